"""Sentinels: how one learns by AMQP that an exchange was deleted, and declared anew, unseen."""

from __future__ import annotations

from aio_pika import ExchangeType
from aiormq.exceptions import ChannelAccessRefused

from worker.broker.connection import FAILURES, OpensChannels, answered_within
from worker.errors import BrokerUnavailable


def sentinel(queue: str, exchange: str) -> str:
    """Return the name of the exchange that is there for as long as an exchange was not deleted.

    RabbitMQ cannot be asked by AMQP whether a binding is there. But it deletes an auto-delete exchange
    together with the last thing that this one is bound to. So the sentinel is gone exactly when the exchange,
    and with it the bindings of the queue, was deleted, even where it was declared anew. Nobody publishes to
    it.
    """
    return f"{queue}.sentinel.{exchange}"


async def put_up_sentinel(connection: OpensChannels, queue: str, exchange: str) -> bool:
    """Put up a sentinel; tell whether this user may, who needs to be allowed to write to the exchange."""
    try:
        async with connection.temporary_channel() as channel, answered_within():
            made = await channel.declare_exchange(
                sentinel(queue, exchange), ExchangeType.FANOUT, durable=True, auto_delete=True, internal=True
            )
            await (await channel.get_exchange(exchange, ensure=False)).bind(made)
    except ChannelAccessRefused:
        return False
    except FAILURES as error:
        raise BrokerUnavailable(f"a declaration failed: {error or type(error).__name__}") from error
    return True
