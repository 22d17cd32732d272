"""Sentinels: how one learns by AMQP that an exchange was deleted, and declared anew, unseen."""

from __future__ import annotations

from aio_pika import ExchangeType
from aiormq import spec

from worker.broker.connection import OpensChannels
from worker.broker.pipeline import Command, NotAllowedError, carry_out


def sentinel(queue: str, exchange: str) -> str:
    """Return the name of the exchange that is there for as long as an exchange was not deleted.

    RabbitMQ cannot be asked by AMQP whether a binding is there. But it deletes an auto-delete exchange
    together with the last thing that this one is bound to. So the sentinel is gone exactly when the exchange,
    and with it the bindings of the queue, was deleted, even where it was declared anew. Nobody publishes to
    it.
    """
    return f"{queue}.sentinel.{exchange}"


def guarded_by(queue: str, exchange: str) -> Command:
    """Bind the exchange to a sentinel that is there."""
    return spec.Exchange.Bind(destination=exchange, source=sentinel(queue, exchange))


async def put_up_sentinel(connection: OpensChannels, queue: str, exchange: str) -> bool:
    """Put up a sentinel; tell whether this user may, who needs to be allowed to write to the exchange."""
    made = spec.Exchange.Declare(
        exchange=sentinel(queue, exchange),
        exchange_type=ExchangeType.FANOUT.value,
        durable=True,
        auto_delete=True,
        internal=True,
    )
    try:
        await carry_out(connection, [made, guarded_by(queue, exchange)])
    except NotAllowedError:
        return False
    return True
