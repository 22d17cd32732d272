"""The exchanges, queues and bindings of an account: their names, their arguments, and declaring them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, Final

from aio_pika import ExchangeType

from worker.broker.connection import OpensChannels
from worker.broker.pipeline import (
    Command,
    RefusedError,
    bound,
    carry_out,
    exchange,
    find,
    is_exchange,
    is_queue,
    queue,
    unbound,
)
from worker.broker.sentinel import guarded_by, put_up_sentinel, sentinel
from worker.errors import TopologyMismatch

DEAD_LETTER_EXCHANGE: Final = "kit.dead"
EARLIER_DEAD_LETTER_QUEUE: Final[dict[str, Any]] = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
"""How earlier versions declared it."""

AT_ONCE: Final = 20
"""Accounts that are declared at the same time: of a thousand, the first can begin while others wait."""

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
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def declare(
        self, account: str, bind: Iterable[str], unbind: Iterable[str], *, is_new: bool = False
    ) -> Found:
        """Declare exchanges, queues and bindings; what exists already stays as it is.

        Args:
            account: Its name.
            bind: The keys that bind its work queue.
            unbind: The keys that do not, though they may have once.
            is_new: Whether it was never declared, as far as is known, so that nothing of it can be missing.

        Returns:
            What there was of them before; of one that is new, that is not looked at.

        Raises:
            TopologyMismatch: Something exists with other arguments; the text says what and what to do.
            BrokerUnavailable: The broker went away meanwhile.
        """
        work = self._work(account, bind, unbind)
        async with self._turns:
            if not is_new and await self._declare_at_once(account, work):
                return Found(guarded=frozenset(source for _, source in self._feeds(account)))
            found = Found() if is_new else await self.look(account)
            return await self._declare_one_by_one(account, work, found)

    async def _declare_one_by_one(self, account: str, work: Sequence[Command], found: Found) -> Found:
        await self._declare_events_exchange()
        outdated = await self.declare_dead_letters(account)
        await carry_out(self.connection, work)
        guarded = [
            source
            for name, source in self._feeds(account)
            if await put_up_sentinel(self.connection, name, source)
        ]
        return replace(found, guarded=frozenset(guarded), outdated=outdated)

    async def _declare_at_once(self, account: str, work: Sequence[Command]) -> bool:
        """Declare what is there already, all in one go; tell whether it was, and nothing was refused.

        RabbitMQ carries out nothing beyond the first that it refuses, and says too little of that.
        """
        dead = self._dead_letters(dead_letter_queue(account), account, dead_letter_queue_arguments())
        guards = [guarded_by(name, source) for name, source in self._feeds(account)]
        try:
            await carry_out(self.connection, [*self._questions(account), *dead, *work, *guards])
        except (TopologyMismatch, RefusedError):
            return False
        return True

    async def look(self, account: str) -> Found:
        """Return what there is of an account's topology, and declare nothing."""
        missing: list[str] = []
        unguarded: set[str] = set()
        found = iter(await find(self.connection, self._questions(account)))
        for name, source in self._feeds(account):
            there, guard, state = next(found), next(found), next(found)
            if there is None:
                missing.append(source)
            elif guard is None:
                unguarded.add(source)
            if state is None:
                missing.append(name)
        return Found(tuple(missing), frozenset(unguarded))

    def _questions(self, account: str) -> list[Command]:
        """Return the questions for each of an account's feeds: for exchange, sentinel and queue."""
        return [
            question
            for name, source in self._feeds(account)
            for question in (is_exchange(source), is_exchange(sentinel(name, source)), is_queue(name))
        ]

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

    async def _dead_letters_in(self, name: str, account: str, arguments: Mapping[str, Any]) -> None:
        await carry_out(self.connection, self._dead_letters(name, account, arguments))

    @staticmethod
    def _dead_letters(name: str, account: str, arguments: Mapping[str, Any]) -> list[Command]:
        made = exchange(DEAD_LETTER_EXCHANGE, ExchangeType.DIRECT), queue(name, arguments)
        return [*made, bound(name, DEAD_LETTER_EXCHANGE, account)]

    def _work(self, account: str, bind: Iterable[str], unbind: Iterable[str]) -> list[Command]:
        name = work_queue(account)
        return [queue(name, work_queue_arguments(account)), *self._bindings(name, bind, unbind)]

    def _bindings(self, name: str, bind: Iterable[str], unbind: Iterable[str]) -> list[Command]:
        to_bind = [bound(name, self.events_exchange, key) for key in sorted(bind)]
        return [*to_bind, *(unbound(name, self.events_exchange, key) for key in sorted(unbind))]

    async def declare_archive(self, account: str) -> None:
        """Declare where an account's letters are put aside; raises as `declare` does."""
        await carry_out(self.connection, [queue(archive_queue(account), dead_letter_queue_arguments())])

    async def move_dead_letters(self, account: str, *, to: str, instead_of: str) -> None:
        """Let an account's dead letters go to another queue, which is declared; for a moment to both."""
        await self._dead_letters_in(to, account, dead_letter_queue_arguments())
        await carry_out(self.connection, [unbound(instead_of, DEAD_LETTER_EXCHANGE, account)])

    async def unbind(self, account: str, bindings: Iterable[tuple[str, str]]) -> None:
        """Remove bindings of an account's queue, each an exchange and a key; ones that are gone are fine."""
        name = work_queue(account)
        if commands := [unbound(name, source, key) for source, key in sorted(bindings)]:
            await carry_out(self.connection, commands)

    async def _declare_events_exchange(self) -> None:
        """Take the platform's exchange as it is, with any alternate exchange; make one where none is."""
        (there,) = await find(self.connection, [is_exchange(self.events_exchange)])
        if there is None:
            await carry_out(self.connection, [exchange(self.events_exchange, ExchangeType.TOPIC)])

    async def depth(self, queue: str) -> int | None:
        """Return how many messages are ready in a queue; None where there is no such queue."""
        (state,) = await find(self.connection, [is_queue(queue)])
        return None if state is None else state.message_count or 0

    async def consumers(self, account: str) -> int:
        """Return how many consumers an account's queue has."""
        (state,) = await find(self.connection, [is_queue(work_queue(account))])
        return 0 if state is None else state.consumer_count or 0
