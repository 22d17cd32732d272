"""Operations on dead letters: look, replay, discard. None of them ever loses one.

Looking consumes and acks nothing: when the channel closes, everything goes back to where it was. Replaying
acks a dead letter only once RabbitMQ has confirmed that the work queue has the event.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage

from worker.amqp import FAILURES, RPC_TIMEOUT
from worker.errors import BrokerUnavailable
from worker.letters import DeadLetter, read_dead_letter, replay_message
from worker.publisher import Publisher
from worker.queues import QueueState, a_channel, queue_state
from worker.topology import dead_letter_queue

WINDOW: Final = 200
"""Messages that may be on their way at once: at most 50 MB, however many the queue holds."""
PATIENCE: Final = 3.0
"""Seconds to wait for the next one, when RabbitMQ said that there are more: another tool may hold them."""
MOST_LISTED: Final = 10_000
"""Letters that a listing names one by one, without their bodies; beyond that they are only counted."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters an operation is about; an empty set leaves that open.

    Attributes:
        ids: Ids of dead letters, or of their events.
    """

    reasons: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is meant."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.types or letter.event_type in self.types)
            and (not self.ids or letter.id in self.ids or (letter.event_id in self.ids))
        )


EVERYTHING: Final = Selection()


@dataclass(frozen=True, slots=True)
class Held:
    """A dead letter in hand, and the delivery it came as."""

    letter: DeadLetter
    delivered: DeliveredMessage


class _Lost:
    """Stands in the line of deliveries for: none will come any more."""


class Desk:
    """One account's dead letters, oldest first: those that were there when it was opened.

    Attributes:
        state: The queue as it was at the beginning; None where it does not exist.
        missing: How many of them did not come, since another tool or a worker's reader holds them.
    """

    def __init__(self, account: str, state: QueueState | None, channel: AbstractChannel) -> None:
        self.account = account
        self.state = state
        self.missing = 0
        self._channel = channel
        self._line: asyncio.Queue[DeliveredMessage | _Lost] = asyncio.Queue()
        self._room = 0
        channel.closing.add_done_callback(lambda _: self._line.put_nowait(_Lost()))
        channel.on_consumer_cancel_callbacks.add(lambda _: self._line.put_nowait(_Lost()))

    async def letters(self, *, at_most: int | None = None) -> AsyncIterator[Held]:
        """Yield the dead letters; those that are not taken off go back when the desk closes.

        Args:
            at_most: Stop after so many.

        Raises:
            BrokerUnavailable: The connection or the queue went away meanwhile.
        """
        ready = self.state.ready if self.state else 0
        wanted = ready if at_most is None else min(ready, at_most)
        for seen in range(wanted):
            if self._room == 0:
                await self._widen(min(WINDOW, wanted - seen))
            delivered = await self._next()
            if delivered is None:
                self.missing = wanted - seen
                return
            self._room -= 1
            yield Held(read_dead_letter(delivered, self.account), delivered)

    async def take_off(self, held: Held) -> None:
        """Remove a dead letter for good.

        Raises:
            BrokerUnavailable: It is unknown whether it was removed.
        """
        try:
            async with asyncio.timeout(RPC_TIMEOUT):
                await self._channel.basic_ack(int(held.delivered.delivery_tag or 0))
        except FAILURES as error:
            raise self._gone(error) from error
        self._room += 1

    async def _widen(self, count: int) -> None:
        """Let some more come, though all so far are still held: by a further consumer with its own prefetch.

        One with an unlimited prefetch would have a large queue's bodies in memory at once.
        """
        try:
            async with asyncio.timeout(RPC_TIMEOUT):
                await self._channel.basic_qos(prefetch_count=count, global_=False)
                await self._channel.basic_consume(dead_letter_queue(self.account), self._arrived)
        except FAILURES as error:
            raise self._gone(error) from error
        self._room += count

    async def _arrived(self, delivered: DeliveredMessage) -> None:
        self._line.put_nowait(delivered)

    async def _next(self) -> DeliveredMessage | None:
        try:
            async with asyncio.timeout(PATIENCE):
                arrived = await self._line.get()
        except TimeoutError:
            return None
        if isinstance(arrived, _Lost):
            raise self._gone(None)
        return arrived

    def _gone(self, error: BaseException | None) -> BrokerUnavailable:
        why = f" ({type(error).__name__})" if error else ""
        return BrokerUnavailable(
            f"{dead_letter_queue(self.account)}: the queue or the connection went away{why}; "
            "whatever was not taken off is still in the queue"
        )


@asynccontextmanager
async def desk(connection: AbstractConnection, account: str) -> AsyncIterator[Desk]:
    """Open an account's dead letters; leaving hands back all that were not taken off.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer.
    """
    state = await queue_state(connection, dead_letter_queue(account))
    async with a_channel(connection) as channel:
        yield Desk(account, state, channel)


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one account with one reason.

    Attributes:
        oldest: When the first of them failed; empty where RabbitMQ did not note it.
        newest: When the last of them failed.
        example: The detail of the newest.
    """

    account: str
    reason: str
    count: int
    oldest: str
    newest: str
    example: str

    def with_one_more(self, letter: DeadLetter) -> Group:
        """Return the group with a later letter in it."""
        return replace(
            self,
            count=self.count + 1,
            oldest=self.oldest or letter.failed_at,
            newest=letter.failed_at or self.newest,
            example=letter.detail,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """One account's dead letters.

    Attributes:
        exists: False where the account has no dead-letter queue yet.
        ready: How many there were.
        looked_at: How many of them were seen, whether or not they match.
        matching: How many match the selection.
        groups: Those that match, by reason; the largest first.
        letters: Those that match, without their bodies; at most `MOST_LISTED`.
        missing: How many did not come, because somebody else holds them.
        watchers: How many others were consuming the queue.
    """

    account: str
    exists: bool
    ready: int
    looked_at: int
    matching: int
    groups: tuple[Group, ...]
    letters: tuple[DeadLetter, ...]
    missing: int
    watchers: int


async def look(connection: AbstractConnection, account: str, selection: Selection = EVERYTHING) -> Listing:
    """Return an account's dead letters, and leave every one where it is.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer, or went away meanwhile.
    """
    groups: dict[str, Group] = {}
    letters: list[DeadLetter] = []
    matching = 0
    async with desk(connection, account) as opened:
        async for held in opened.letters():
            letter = replace(held.letter, body=b"", headers={})
            if selection.matches(letter):
                matching += 1
                group = groups.get(letter.reason) or Group(account, letter.reason, 0, "", "", "")
                groups[letter.reason] = group.with_one_more(letter)
                letters += [letter] if len(letters) < MOST_LISTED else []
    state = opened.state or QueueState(0, 0)
    return Listing(
        account=account,
        exists=opened.state is not None,
        ready=state.ready,
        looked_at=state.ready - opened.missing,
        matching=matching,
        groups=tuple(sorted(groups.values(), key=lambda group: -group.count)),
        letters=tuple(letters),
        missing=opened.missing,
        watchers=state.consumers,
    )


async def whole_letters(
    connection: AbstractConnection, account: str, selection: Selection
) -> AsyncIterator[DeadLetter]:
    """Yield the matching dead letters with their bodies and headers, and leave them where they are.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer, or went away meanwhile.
    """
    async with desk(connection, account) as opened:
        async for held in opened.letters():
            if selection.matches(held.letter):
                yield held.letter


async def replay(
    connection: AbstractConnection,
    publisher: Publisher,
    account: str,
    selection: Selection,
    done: Callable[[DeadLetter], None],
) -> None:
    """Put the matching dead letters back into the work queue, oldest first.

    It stops after as many as there were when it began: an event that fails again comes in at the end, and
    would otherwise go round for ever.

    Args:
        connection: To take dead letters off with; not the one that `publisher` publishes on.
        publisher: Returns once the work queue has the event.
        account: Whose.
        selection: Which.
        done: Is told of each that is in the work queue and no longer a dead letter.

    Raises:
        BrokerUnavailable: The one at hand may be in both queues now; the others are where they were.
    """
    async with desk(connection, account) as opened:
        async for held in opened.letters():
            if selection.matches(held.letter):
                await publisher.publish(replay_message(held.delivered, held.letter))
                await opened.take_off(held)
                done(held.letter)


async def discard(
    connection: AbstractConnection,
    account: str,
    selection: Selection,
    done: Callable[[DeadLetter], None],
    *,
    among: int | None = None,
) -> None:
    """Delete the matching dead letters for good.

    Args:
        connection: As for `replay`.
        account: Whose.
        selection: Which.
        done: Is told of each that is gone.
        among: Only the oldest so many are considered, such as those that somebody was asked about.

    Raises:
        BrokerUnavailable: The one at hand may be gone; the others are where they were.
    """
    async with desk(connection, account) as opened:
        async for held in opened.letters(at_most=among):
            if selection.matches(held.letter):
                await opened.take_off(held)
                done(held.letter)
