"""Dead letters in hand: as many as there are, in their order, and handed back when the desk closes.

Nothing is requeued by a command: closing the channel gives back what was not taken off, in its place.
RabbitMQ does that a moment after it has answered the close, so a desk waits until it sees it done: the next
command would otherwise find the queue empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, Protocol

from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage

from worker.broker.connection import FAILURES, answered_within
from worker.broker.queues import QueueState, a_channel, queue_state
from worker.broker.topology import dead_letter_queue
from worker.dead_letters.letter import DeadLetter, read_dead_letter
from worker.errors import BrokerUnavailable

WINDOW: Final = 200
"""Messages that may be on their way at once: at most 50 MB, however many the queue holds."""
PATIENCE: Final = 3.0
"""Seconds to wait for the next one, when RabbitMQ said that there are more: another tool may hold them."""
GIVEN_BACK_WITHIN: Final = 3.0
"""Seconds to wait until what was not taken off is back; usually it takes some milliseconds."""


class Selects(Protocol):
    """Says which dead letters an operation is about."""

    def matches(self, letter: DeadLetter, /) -> bool:
        """Tell whether a dead letter is meant."""


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
            and (not self.ids or bool(self.ids & {letter.id, letter.event_id or letter.id}))
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
        taken_off: How many of them are gone for good.
    """

    def __init__(self, account: str, state: QueueState | None, channel: AbstractChannel) -> None:
        self.account = account
        self.state = state
        self.missing = 0
        self.taken_off = 0
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
            yield Held(read_letter(delivered, self.account), delivered)

    async def take_off(self, held: Held) -> None:
        """Remove a dead letter for good.

        Raises:
            BrokerUnavailable: It is unknown whether it was removed.
        """
        try:
            async with answered_within():
                await self._channel.basic_ack(int(held.delivered.delivery_tag or 0))
        except FAILURES as error:
            raise self._gone(error) from error
        self._room += 1
        self.taken_off += 1

    async def _widen(self, count: int) -> None:
        """Let some more come, though all so far are still held: by a further consumer with its own prefetch.

        One with an unlimited prefetch would have a large queue's bodies in memory at once.
        """
        try:
            async with answered_within():
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


def read_letter(delivered: DeliveredMessage, account: str) -> DeadLetter:
    """Return a dead letter with an id that is the same whenever one looks.

    One that RabbitMQ set aside may have no `message_id`, and its number here depends on what lies before it.
    """
    letter = read_dead_letter(delivered, account)
    if delivered.header.properties.message_id:
        return letter
    digest = sha256(letter.body + letter.failed_at.encode()).hexdigest()
    return replace(letter, id=f"digest-{digest[:16]}")


@asynccontextmanager
async def desk(connection: AbstractConnection, account: str) -> AsyncIterator[Desk]:
    """Open an account's dead letters; leaving hands back all that were not taken off.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer.
    """
    queue = dead_letter_queue(account)
    state = await queue_state(connection, queue)
    async with a_channel(connection) as channel:
        opened = Desk(account, state, channel)
        yield opened
    if state and not state.consumers:
        await _are_back(connection, queue, state.ready - opened.taken_off)


async def _are_back(connection: AbstractConnection, queue: str, count: int) -> None:
    """Wait until the queue has so many again; they come back in any case, so a failure to see it is none."""
    with suppress(BrokerUnavailable, TimeoutError):
        async with asyncio.timeout(GIVEN_BACK_WITHIN):
            # A look at it is all that RabbitMQ offers: nothing tells when it has put them back.
            while (state := await queue_state(connection, queue)) and state.ready < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
