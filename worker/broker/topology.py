"""The exchanges, queues and bindings of an account: their names, their arguments, and declaring them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelPreconditionFailed

from worker.broker.connection import FAILURES, OpensChannels, answered_within
from worker.broker.queues import exchange_exists, queue_state
from worker.broker.sentinel import put_up_sentinel, sentinel
from worker.errors import BrokerUnavailable, TopologyMismatch

DEAD_LETTER_EXCHANGE: Final = "kit.dead"
EARLIER_DEAD_LETTER_QUEUE: Final[dict[str, Any]] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
"""How earlier versions declared it."""

OUTDATED: Final = (
    "the dead-letter queue is an earlier version's: a policy with a length limit would drop letters from it"
)


def work_queue(account: str) -> str:
    """Return the name of the queue that an account consumes."""
    return f"kit.{account}"


def dead_letter_queue(account: str) -> str:
    """Return the name of the queue that holds what an account could not apply."""
    return f"kit.{account}.dead"


def archive_queue(account: str) -> str:
    """Return the name of the queue that holds the dead letters that were put aside."""
    return f"kit.{account}.archive"


def work_queue_arguments(account: str) -> dict[str, Any]:
    """Return the work queue's arguments.

    The delivery limit is far above what restarts use up, and the dead-letter exchange catches what passes
    it: without one, RabbitMQ 4 drops a message after 20 redeliveries. At-least-once dead-lettering needs
    `reject-publish` (RabbitMQ documentation, "Quorum queues: dead lettering").
    """
    return {
        "x-queue-type": "quorum",
        "x-single-active-consumer": True,
        "x-delivery-limit": 100,
        "x-dead-letter-exchange": DEAD_LETTER_EXCHANGE,
        "x-dead-letter-routing-key": account,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def dead_letter_queue_arguments() -> dict[str, Any]:
    """Return the dead-letter queue's arguments.

    Looking at it must not use up its messages, hence the delivery limit. And where a policy limits its
    length, a letter must be refused rather than push out another one that was confirmed, which is what
    RabbitMQ does otherwise (its documentation, "Queue length limit").
    """
    return {**EARLIER_DEAD_LETTER_QUEUE, "x-overflow": "reject-publish"}


def consumer_priority(worker_id: str, account: str) -> int:
    """Return how much this worker should be the one to have this account.

    The rendezvous hash: every worker computes its own, the broker takes the greatest, and when a worker
    joins or leaves only the accounts that it gains or had move.
    """
    digest = sha256(f"{worker_id}\0{account}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


@dataclass(frozen=True, slots=True)
class Found:
    """What there was of an account's topology before it was declared.

    Attributes:
        missing: The queues and exchanges that did not exist.
        unguarded: The exchanges whose sentinel was not there: they were deleted and declared anew, or nobody
            has put up a sentinel yet.
        guarded: The exchanges that have one now.
        outdated: Whether the dead-letter queue is one of an earlier version.
    """

    missing: tuple[str, ...] = ()
    unguarded: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class Topology:
    """Declares what an account needs, over a connection."""

    connection: OpensChannels
    events_exchange: str

    async def declare(self, account: str, bound: Iterable[str], unbound: Iterable[str]) -> Found:
        """Declare exchanges, queues and bindings; what exists already stays as it is.

        Args:
            account: Its name.
            bound: The keys that bind its work queue.
            unbound: The keys that do not, though they may have once.

        Returns:
            What there was of them before.

        Raises:
            TopologyMismatch: Something exists with other arguments; the text says what and what to do.
            BrokerUnavailable: The broker went away meanwhile.
        """
        found = await self.look(account)
        await self._declare_events_exchange()
        outdated = await self.declare_dead_letters(account)
        async with self._channel() as channel:
            await channel.declare_queue(
                work_queue(account), durable=True, arguments=work_queue_arguments(account)
            )
        await self.bind(account, bound, unbound)
        guarded = [
            exchange
            for queue, exchange in self._feeds(account)
            if await put_up_sentinel(self.connection, queue, exchange)
        ]
        return replace(found, guarded=frozenset(guarded), outdated=outdated)

    async def look(self, account: str) -> Found:
        """Return what there is of an account's topology, and declare nothing."""
        missing: list[str] = []
        unguarded: set[str] = set()
        for queue, exchange in self._feeds(account):
            if not await exchange_exists(self.connection, exchange):
                missing.append(exchange)
            elif not await exchange_exists(self.connection, sentinel(queue, exchange)):
                unguarded.add(exchange)
            if await queue_state(self.connection, queue) is None:
                missing.append(queue)
        return Found(tuple(missing), frozenset(unguarded))

    def _feeds(self, account: str) -> tuple[tuple[str, str], ...]:
        """Return an account's queues, each with the exchange it is bound to."""
        dead = (dead_letter_queue(account), DEAD_LETTER_EXCHANGE)
        return ((work_queue(account), self.events_exchange), dead)

    async def declare_dead_letters(self, account: str) -> bool:
        """Declare where an account's dead letters go, or take the queue of an earlier version as it is.

        Raises as `declare` does.

        Returns:
            Whether it is one of an earlier version.
        """
        queue = dead_letter_queue(account)
        try:
            await self._dead_letters_in(queue, account, dead_letter_queue_arguments())
        except TopologyMismatch:
            with suppress(TopologyMismatch):
                await self._dead_letters_in(queue, account, EARLIER_DEAD_LETTER_QUEUE)
                return True
            raise  # it never was ours
        return False

    async def _dead_letters_in(self, queue: str, account: str, arguments: Mapping[str, Any]) -> None:
        async with self._channel() as channel:
            exchange = await channel.declare_exchange(DEAD_LETTER_EXCHANGE, ExchangeType.DIRECT, durable=True)
            declared = await channel.declare_queue(queue, durable=True, arguments=dict(arguments))
            await declared.bind(exchange, account)

    async def declare_archive(self, account: str) -> None:
        """Declare where an account's letters are put aside; raises as `declare` does."""
        async with self._channel() as channel:
            arguments = dead_letter_queue_arguments()
            await channel.declare_queue(archive_queue(account), durable=True, arguments=arguments)

    async def move_dead_letters(self, account: str, *, to: str, instead_of: str) -> None:
        """Let an account's dead letters go to another queue, which is declared; for a moment to both."""
        await self._dead_letters_in(to, account, dead_letter_queue_arguments())
        async with self._channel() as channel:
            before = await channel.get_queue(instead_of, ensure=False)
            await before.unbind(DEAD_LETTER_EXCHANGE, account)

    async def bind(self, account: str, add: Iterable[str], remove: Iterable[str]) -> None:
        """Add and remove bindings of an account's queue; ones that exist or are gone already are fine."""
        async with self._channel() as channel:
            queue = await channel.get_queue(work_queue(account), ensure=False)
            for key in sorted(add):
                await queue.bind(self.events_exchange, key)
            for key in sorted(remove):
                await queue.unbind(self.events_exchange, key)

    async def unbind(self, account: str, bindings: Iterable[tuple[str, str]]) -> None:
        """Remove bindings of an account's queue, each an exchange and a key; ones that are gone are fine."""
        async with self._channel() as channel:
            queue = await channel.get_queue(work_queue(account), ensure=False)
            for exchange, key in sorted(bindings):
                await queue.unbind(exchange, key)

    async def _declare_events_exchange(self) -> None:
        """Take the platform's exchange as it is, with any alternate exchange; make one where none is."""
        if not await exchange_exists(self.connection, self.events_exchange):
            async with self._channel() as channel:
                await channel.declare_exchange(self.events_exchange, ExchangeType.TOPIC, durable=True)

    async def depth(self, queue: str) -> int | None:
        """Return how many messages are ready in a queue; None where there is no such queue."""
        state = await queue_state(self.connection, queue)
        return None if state is None else state.ready

    async def consumers(self, account: str) -> int:
        """Return how many consumers an account's queue has."""
        state = await queue_state(self.connection, work_queue(account))
        return 0 if state is None else state.consumers

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        async with self.connection.temporary_channel() as channel:
            try:
                async with answered_within():
                    yield channel
            except ChannelPreconditionFailed as error:
                raise TopologyMismatch(_mismatch(error)) from error
            except FAILURES as error:
                raise BrokerUnavailable(f"a declaration failed: {error or type(error).__name__}") from error


def _mismatch(error: BaseException) -> str:
    """Return RabbitMQ's sentence about what differs, with what to do about it."""
    said = str(error).removeprefix("PRECONDITION_FAILED - ")
    return f"{said}. Let it run empty, delete it in RabbitMQ, and the worker declares it anew"
