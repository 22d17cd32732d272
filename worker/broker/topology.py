"""The exchanges, queues and bindings of an account: their names, their arguments, and declaring them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel
from aio_pika.exceptions import ChannelPreconditionFailed
from aiormq.exceptions import ChannelAccessRefused

from worker.broker.connection import FAILURES, OpensChannels, answered_within
from worker.broker.queues import exchange_exists, queue_state, temporary_channel
from worker.errors import BrokerUnavailable, TopologyMismatch

DEAD_LETTER_EXCHANGE: Final = "kit.dead"


def work_queue(account: str) -> str:
    """Return the name of the queue that an account consumes."""
    return f"kit.{account}"


def dead_letter_queue(account: str) -> str:
    """Return the name of the queue that holds what an account could not apply."""
    return f"kit.{account}.dead"


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
    """Return the dead-letter queue's arguments; looking at it must not use up its messages."""
    return {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}


def consumer_priority(worker_id: str, account: str) -> int:
    """Return how much this worker should be the one to have this account.

    The rendezvous hash: every worker computes its own, the broker takes the greatest, and when a worker
    joins or leaves only the accounts that it gains or had move.
    """
    digest = sha256(f"{worker_id}\0{account}".encode()).digest()
    return int.from_bytes(digest[:4]) >> 1


def sentinel(queue: str, exchange: str) -> str:
    """Return the name of the exchange that is there for as long as an exchange was not deleted.

    RabbitMQ cannot be asked by AMQP whether a binding is there. But it deletes an auto-delete exchange
    together with the last thing that this one is bound to. So the sentinel is gone exactly when the exchange,
    and with it the bindings of the queue, was deleted, even where it was declared anew. Nobody publishes to
    it.
    """
    return f"{queue}.sentinel.{exchange}"


@dataclass(frozen=True, slots=True)
class Found:
    """What there was of an account's topology before it was declared.

    Attributes:
        missing: The queues and exchanges that did not exist.
        unguarded: The exchanges whose sentinel was not there: they were deleted and declared anew, or nobody
            has put up a sentinel yet.
        guarded: The exchanges that have one now.
    """

    missing: tuple[str, ...] = ()
    unguarded: frozenset[str] = frozenset()
    guarded: frozenset[str] = frozenset()


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
        await self.declare_dead_letters(account)
        async with self._channel() as channel:
            await channel.declare_queue(
                work_queue(account), durable=True, arguments=work_queue_arguments(account)
            )
        await self.bind(account, bound, unbound)
        guarded = [exchange for queue, exchange in self._feeds(account) if await self._guard(queue, exchange)]
        return replace(found, guarded=frozenset(guarded))

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

    async def _guard(self, queue: str, exchange: str) -> bool:
        """Put up a sentinel; tell whether this user may, who needs to be allowed to write to the exchange."""
        try:
            async with temporary_channel(self.connection) as channel, answered_within():
                made = await channel.declare_exchange(
                    sentinel(queue, exchange),
                    ExchangeType.FANOUT,
                    durable=True,
                    auto_delete=True,
                    internal=True,
                )
                await (await channel.get_exchange(exchange, ensure=False)).bind(made)
        except ChannelAccessRefused:
            return False
        except FAILURES as error:
            raise BrokerUnavailable(f"a declaration failed: {error or type(error).__name__}") from error
        return True

    async def declare_dead_letters(self, account: str) -> None:
        """Declare where an account's dead letters go; raises as `declare` does."""
        async with self._channel() as channel:
            exchange = await channel.declare_exchange(DEAD_LETTER_EXCHANGE, ExchangeType.DIRECT, durable=True)
            queue = await channel.declare_queue(
                dead_letter_queue(account), durable=True, arguments=dead_letter_queue_arguments()
            )
            await queue.bind(exchange, account)

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
        async with temporary_channel(self.connection) as channel:
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
