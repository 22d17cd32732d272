"""Reads an account's dead letters: as many as there are, in their order, and all go back at the end.

What was not taken off goes back in its order, or else the next look would find another one. RabbitMQ does
that a moment after it has answered the close, so a reader waits until it is done: the next command would
otherwise find the queue empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from worker.broker.connection import Connection
from worker.broker.consuming import ConsumerChannel
from worker.broker.queues import QueueState, queue_state
from worker.broker.topology import dead_letter_queue
from worker.clock import Clock
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.own_id import read_letter
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery

WINDOW: Final = 200
"""Messages that may be on their way at once: at most 50 MB, however many the queue holds."""
PATIENCE: Final = 3.0
"""Seconds to wait for the next one, when RabbitMQ said that there are more: another tool may hold them."""
GIVEN_BACK_WITHIN: Final = 3.0
"""Seconds to wait until what was not taken off is back; usually it takes some milliseconds."""
AT_ONCE: Final = 30
"""Letters that are given back before one waits until they are: of more than 32 that are under way RabbitMQ
puts together what each consumer held, in no order (`rabbit_fifo_client`)."""
ENDED_WITHIN: Final = 10.0
"""Seconds to wait until RabbitMQ has ended a consumer."""


@dataclass(frozen=True, slots=True)
class LetterInHand:
    """A dead letter, and the delivery it came as.

    Attributes:
        is_copy: Whether the same one came before: it was published again, as its confirm was late.
    """

    letter: DeadLetter
    delivery: Delivery
    is_copy: bool = False


class DeadLetterReader:
    """One account's dead letters, oldest first: those that were there when the reader was opened.

    Args:
        account: Whose.
        queue: Where they are.
        state: The queue as it is at the beginning; None where it does not exist.
        channel: On which they come.
        patience: Seconds to wait for the next one, when RabbitMQ said that there are more.
        at_most: Stop after so many; None for all.

    Attributes:
        missing: How many of them did not come, since another tool holds them.
        taken_off: How many of them are gone for good.
    """

    def __init__(
        self,
        account: str,
        queue: str,
        state: QueueState | None,
        channel: ConsumerChannel,
        *,
        patience: float,
        at_most: int | None = None,
    ) -> None:
        self.account = account
        self.queue = queue
        self.state = state
        self.missing = 0
        self.taken_off = 0
        self._channel = channel
        self._patience = patience
        self._at_most = at_most
        self._line: asyncio.Queue[Delivery | None] = asyncio.Queue()  # None: no more will come
        self._room = 0
        self._consumers: list[str] = []
        self._held: set[int] = set()
        self._seen: set[str] = set()

    @property
    def saw_all(self) -> bool:
        """Whether nobody else held letters that therefore did not come."""
        return not (self.missing or (self.state and self.state.consumers))

    async def letters(self) -> AsyncIterator[LetterInHand]:
        """Yield the dead letters; those that are not taken off go back when the reader closes.

        It stops after as many as there were when the reader was opened, or where no other comes for a while.

        Raises:
            BrokerUnavailable: The connection or the queue went away meanwhile.
        """
        ready = self.state.ready if self.state else 0
        wanted = ready if self._at_most is None else min(ready, self._at_most)
        for seen in range(wanted):
            if self._room == 0:
                await self._widen(min(WINDOW, wanted - seen))
            try:
                async with asyncio.timeout(self._patience):
                    delivery = await self._line.get()
            except TimeoutError:
                self.missing = wanted - seen
                return
            if delivery is None:
                raise self._gone()
            self._room -= 1
            yield self._in_hand(delivery)

    def _in_hand(self, delivery: Delivery) -> LetterInHand:
        letter = read_letter(delivery, self.account)
        # Of what no worker wrote, two that are the same are two that were published.
        is_copy = letter.is_by_worker and letter.id in self._seen
        self._seen.add(letter.id)
        return LetterInHand(letter, delivery, is_copy)

    async def take_off(self, in_hand: LetterInHand) -> None:
        """Remove a dead letter for good.

        Raises:
            BrokerUnavailable: It is unknown whether it was removed.
        """
        try:
            await self._channel.ack(in_hand.delivery.tag, wait=True)
        except BrokerUnavailable as error:
            raise self._gone(error) from error
        self._held.discard(in_hand.delivery.tag)
        self._room += 1
        self.taken_off += 1

    async def give_back(self, connection: Connection) -> None:
        """Hand back what was not taken off, in its order; what cannot be, goes back when the channel closes.

        Closing it gives back what it holds consumer by consumer, and these in any order: after a look at more
        than one of them may hold, the newest letters would be the oldest.

        Args:
            connection: On which RabbitMQ is asked whether they are back.
        """
        if len(self._consumers) < 2:
            return
        for consumer in self._consumers:  # else they would have them again
            await self._channel.cancel(consumer, within=ENDED_WITHIN)
        state = await queue_state(connection, self.queue)
        back, held = state.ready if state else 0, sorted(self._held)
        for at in range(0, len(held), AT_ONCE):
            for tag in held[at : at + AT_ONCE]:
                await self._channel.requeue(tag)
            await _are_back(connection, self.queue, back + len(held[: at + AT_ONCE]))

    async def _widen(self, count: int) -> None:
        """Let some more come, though all so far are still held: by a further consumer with its own prefetch.

        One with an unlimited prefetch would have a large queue's bodies in memory at once.
        """
        tag = f"dead-letters-{len(self._consumers) + 1}"
        try:
            await self._channel.consume(self, self.queue, prefetch=count, tag=tag)
        except BrokerUnavailable as error:
            raise self._gone(error) from error
        self._consumers.append(tag)
        self._room += count

    async def receive(self, delivery: Delivery) -> None:
        """Put a dead letter in line."""
        self._held.add(delivery.tag)
        self._line.put_nowait(delivery)

    def channel_ended(self, *, cancelled: bool) -> None:  # noqa: ARG002  # either way, no more will come
        """Hear that no more will come."""
        self._line.put_nowait(None)

    def _gone(self, error: BrokerUnavailable | None = None) -> BrokerUnavailable:
        why = f" ({error})" if error else ""
        return BrokerUnavailable(
            f"{self.queue}: the queue or the connection went away{why}; "
            "whatever was not taken off is still in the queue"
        )


@asynccontextmanager
async def reading(
    connection: Connection,
    account: str,
    *,
    queue: str = "",
    patience: float = PATIENCE,
    at_most: int | None = None,
) -> AsyncIterator[DeadLetterReader]:
    """Read an account's dead letters; leaving gives back all that were not taken off.

    Args:
        connection: On which they come.
        account: Whose.
        queue: Where they are, if not in the account's dead-letter queue.
        patience: Seconds to wait for the next one, when RabbitMQ said that there are more.
        at_most: Only the oldest so many; None for all.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer.
    """
    queue = queue or dead_letter_queue(account)
    state = await queue_state(connection, queue)
    channel = await ConsumerChannel.open(connection, Clock())
    reader = DeadLetterReader(account, queue, state, channel, patience=patience, at_most=at_most)
    try:
        yield reader
    finally:
        with suppress(BrokerUnavailable):
            await reader.give_back(connection)
        await channel.close()
    if state and not state.consumers:
        await _are_back(connection, queue, state.ready - reader.taken_off)


async def _are_back(connection: Connection, queue: str, count: int) -> None:
    """Wait until the queue has so many again; they come back in any case, so a failure to see it is none."""
    with suppress(BrokerUnavailable, TimeoutError):
        async with asyncio.timeout(GIVEN_BACK_WITHIN):
            # A look at it is all that RabbitMQ offers: nothing tells when it has put them back.
            while (state := await queue_state(connection, queue)) and state.ready < count:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
