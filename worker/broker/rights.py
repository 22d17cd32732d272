"""What RabbitMQ lets this user do: tried with commands that it refuses, or that change nothing.

RabbitMQ looks at the user's rights first (its `rabbit_channel`: `check_configure_permitted` and others), and
then at whether the command makes sense. So one that makes none tells whether there is the right to it.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, TypeAlias

from aiormq.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed

from worker.broker.connection import FAILURES, OpensChannels, answered_within
from worker.broker.queues import exchange_exists
from worker.broker.topology import DEAD_LETTER_EXCHANGE, dead_letter_queue, work_queue
from worker.errors import BrokerUnavailable

_NO_QUEUE: Final[dict[str, Any]] = {"x-max-length": -1}
_NO_EXCHANGE: Final[dict[str, Any]] = {"alternate-exchange": 1}
_NO_CONSUMER: Final[dict[str, Any]] = {"x-priority": "none"}
_NO_BINDING: Final[dict[str, Any]] = {"kit-worker": "check"}
"""Arguments that nothing can have, or that no binding of ours has."""

_Attempt: TypeAlias = Callable[[AbstractChannel], Awaitable[object]]


async def missing_rights(connection: OpensChannels, events_exchange: str, account: str) -> list[str]:
    """Return which rights a worker would lack for an account, each as `configure kit.sunny`.

    Raises:
        BrokerUnavailable: RabbitMQ did not answer.
    """
    attempts = [*_of_queues(events_exchange, account), *_of_exchanges()]
    if not await exchange_exists(connection, events_exchange):
        attempts.append((f"configure {events_exchange}", _declare_exchange(events_exchange, "topic")))
    return [right for right, attempt in attempts if await _refusal(connection, attempt) is None]


def _of_queues(events_exchange: str, account: str) -> Iterator[tuple[str, _Attempt]]:
    work, dead = work_queue(account), dead_letter_queue(account)
    yield f"configure {work}", _declare_queue(work)
    yield f"configure {dead}", _declare_queue(dead)
    yield f"read {work}", _consume(work)
    yield f"read {dead}", _consume(dead)
    yield f"write {work} and read {events_exchange}", _unbind(work, events_exchange)
    yield f"write {dead} and read {DEAD_LETTER_EXCHANGE}", _unbind(dead, DEAD_LETTER_EXCHANGE)


def _of_exchanges() -> Iterator[tuple[str, _Attempt]]:
    yield f"configure {DEAD_LETTER_EXCHANGE}", _declare_exchange(DEAD_LETTER_EXCHANGE, "direct")
    yield f"write {DEAD_LETTER_EXCHANGE}", _unbind_exchange(DEAD_LETTER_EXCHANGE)


async def wrong_type(connection: OpensChannels, exchange: str, wanted: str) -> str:
    """Return of which other type an exchange is; empty where it is as wanted, missing, or may not be asked.

    Raises:
        BrokerUnavailable: RabbitMQ did not answer.
    """
    said = await _refusal(connection, _declare_exchange(exchange, wanted)) or ""
    found = re.search(r"inequivalent arg 'type' for exchange .* but current is '?([\w-]+)", said)
    return found[1] if found else ""


# -- attempts ---------------------------------------------------------------------------------------------


async def _refusal(connection: OpensChannels, attempt: _Attempt) -> str | None:
    """Return what RabbitMQ said of an attempt, perhaps nothing; None where the right to it is lacking."""
    async with connection.temporary_channel() as channel:
        try:
            async with answered_within():
                await attempt(await channel.get_underlay_channel())
        except ChannelAccessRefused:
            return None
        except (ChannelPreconditionFailed, ChannelNotFoundEntity) as error:
            return str(error)
        except FAILURES as error:
            raise BrokerUnavailable(f"RabbitMQ did not answer about rights: {error!r}") from error
    return ""


def _declare_queue(queue: str) -> _Attempt:
    return lambda channel: channel.queue_declare(queue, durable=True, arguments=_NO_QUEUE)


def _declare_exchange(exchange: str, kind: str) -> _Attempt:
    return lambda channel: channel.exchange_declare(
        exchange, exchange_type=kind, durable=True, arguments=_NO_EXCHANGE
    )


def _consume(queue: str) -> _Attempt:
    async def nothing(_: object) -> None:
        """Never called: there is no such consumer."""

    return lambda channel: channel.basic_consume(queue, nothing, arguments=_NO_CONSUMER)


def _unbind(queue: str, exchange: str) -> _Attempt:
    return lambda channel: channel.queue_unbind(queue, exchange, "kit-worker.check", arguments=_NO_BINDING)


def _unbind_exchange(exchange: str) -> _Attempt:
    return lambda channel: channel.exchange_unbind(
        exchange, exchange, "kit-worker.check", arguments=_NO_BINDING
    )
