"""The third stage, where events end: dead letters are made safe, the ledger knows, RabbitMQ, and people.

In that order. Whatever ends while one batch is being written makes up the next: one write per batch, in
portions where it is a large one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from worker.clock import Clock
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.dead_lettering import DeadLettering
from worker.consumer.due_message import due_effect, due_of_others
from worker.consumer.history_entry import history_entry
from worker.consumer.newest import newest_event
from worker.consumer.portions import Ended, portions
from worker.consumer.receive import Consumer
from worker.consumer.replayed import ends_of_runs
from worker.consumer.report import Report
from worker.events.decode import due_id
from worker.kit.persistence import Persistence
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Batch, LetterEntry

FLUSH_EVERY: Final = 1.0
"""Seconds until what was done of changes that are not finished is written, too."""
SHARED_WITHIN: Final = 0.01
"""Seconds for which a write waits that settles nothing, for what may end meanwhile: one write for both."""


class Settle(Persistence):
    """One session's third stage; the other stages `put` the outcomes of events.

    Args:
        consumer: Tells RabbitMQ what is settled.
        dead_letters: Makes dead letters safe.
        ledger: Where it is written what became of each event.
        in_hand: What is known of the people in hand.
        report: Tells people.
        clock: The time of day.
    """

    def __init__(
        self,
        consumer: Consumer,
        dead_letters: DeadLettering,
        ledger: AccountLedger,
        in_hand: InHand,
        report: Report,
        clock: Clock,
    ) -> None:
        self._consumer = consumer
        self._dead_letters = dead_letters
        self._ledger = ledger
        self._in_hand = in_hand
        self._report = report
        self._clock = clock
        self._refused: asyncio.Queue[Outcome] = asyncio.Queue()
        self._ended: list[Ended] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._came = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._writing = False

    # -- from outside ---------------------------------------------------------------------------------

    def put(self, outcome: Outcome) -> None:
        """Settle an event."""
        if outcome.kind is Kind.DEAD_LETTERED:
            self._refused.put_nowait(outcome)
        else:
            self._end(outcome)

    @property
    def problem(self) -> str:
        """Why nothing can be settled, for people; empty while all is well."""
        if problem := self._ledger.problem:
            return problem
        problem = self._dead_letters.retrying.problem
        return f"a dead letter is not safe yet: {problem}" if problem else ""

    @property
    def can_settle(self) -> bool:
        """Whether what is begun now could be settled: the account is ours, and nothing stands in the way."""
        return self._consumer.is_ours and not self.problem

    @property
    def clean(self) -> bool:
        """Whether the ledger has all that was done; not so after a write that was cut short."""
        return not (self._writing or self._in_hand.unsaved or self._in_hand.taggings.has_unsaved)

    @property
    def known_since(self) -> float:
        """From when on all that Kit answered is in the ledger; see `Persistence`."""
        return self._ledger.known_since

    def no_more_calls(self) -> None:
        """Have the ledger count no more calls than were made."""
        self._in_hand.taggings.let_go()

    async def written(self) -> None:
        """Wait until all that is known by now of the people in hand is written."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        self._came.set()
        await written

    async def people(self) -> int:
        """Return how many people of the account are known."""
        return await self._ledger.people()

    async def confirm(self) -> None:
        """Have the ledger say that the account is still ours; raises `EpochLost` where it is not."""
        await self._ledger.confirm()

    async def emptied(self) -> None:
        """Wait until all that has ended is acked, and all that was done is written."""
        await self._refused.join()
        if self._in_hand.unsaved:
            await self.written()
        await self._empty.wait()

    # -- the two loops --------------------------------------------------------------------------------

    async def dead_letter(self) -> None:
        """Make dead letters safe until cancelled, one at a time and in their order.

        While one is not safe, other events are settled, and no change starts.
        """
        while True:
            outcome = await self._refused.get()
            if await self._is_of_forgotten(outcome.item):
                self._end(Outcome(outcome.item, Kind.FORGOTTEN))
            else:
                self._end(outcome, await self._dead_letters.publish(outcome))
            self._refused.task_done()

    async def _is_of_forgotten(self, item: Item) -> bool:
        """Tell whether a message that could not be read names somebody who was forgotten since."""
        known = item.known
        if item.event is not None or not known.names_somebody:
            return False  # of all others the ledger was asked before
        gone = await self._ledger.forgotten(known)
        time = known.time or item.delivery.received_at
        return any(time <= until for until in gone.values())

    async def run(self) -> None:
        """Write, ack and tell until cancelled; what is not acked by then goes back to its queue.

        Raises:
            EpochLost: Somebody else has taken the account; nothing was written, and nothing acked.
        """
        while True:
            await self._something_to_write()
            if not self._ended and len(self._consumer.unsettled) > len(self._waiting):
                await asyncio.sleep(SHARED_WITHIN)
            ended, self._ended = self._ended, []
            waiting, self._waiting = self._waiting, []
            unacked = await self._write(ended)
            for written in waiting:
                if not written.done():
                    written.set_result(None)
            await self._ack(unacked)
            self._in_hand.drop_idle()
            if not self._ended:
                self._empty.set()

    async def _something_to_write(self) -> None:
        while not (self._ended or self._waiting):
            self._came.clear()
            self._flush_later()
            try:
                await self._came.wait()
            finally:
                self._flushing.cancel()
            if self._in_hand.unsaved:
                return

    def _flush_later(self) -> None:
        loop = asyncio.get_running_loop()
        # With the turn of a second, so that a thousand accounts wake the loop once.
        self._flushing = loop.call_at((loop.time() // FLUSH_EVERY + 1) * FLUSH_EVERY, self._flush)

    def _flush(self) -> None:
        """Have written what is there; where nothing is, the task is left asleep."""
        if self._in_hand.unsaved:
            self._came.set()
        else:
            self._flush_later()

    async def _write(self, ended: Sequence[Ended]) -> Sequence[Ended]:
        """Write all that is known, and ack what can be acked meanwhile; return what is to be acked still."""
        self._writing = True
        batch, guard = self._in_hand.unsaved.take(), self._in_hand.taggings
        batch.taggings, batch.ahead = guard.take_unsaved(), guard.take_unsaved_ahead()
        batch.holds = guard.holds
        written: list[Ended] = []
        for portion, some in portions(batch, ended):
            written = await self._ack(written, in_a_row=True)
            _note_ends(portion, some)
            if portion or self._ledger.has_news:
                await self._ledger.save(portion)
            written += some
        self._in_hand.unsaved.saved()
        self._writing = False
        return written

    async def _ack(self, ended: Sequence[Ended], *, in_a_row: bool = False) -> list[Ended]:
        """Ack, and tell of each event right after its own ack: a kill between the two costs one line.

        Args:
            ended: What is written.
            in_a_row: See `Consumer.ack`.

        Returns:
            Those that were not acked.
        """
        left = {each.outcome.item.delivery.tag: each for each in ended}
        deliveries = [each.outcome.item.delivery for each in ended]
        async for acked in self._consumer.ack(deliveries, in_a_row=in_a_row):
            for tag in sorted(acked):
                self._report.ended(left.pop(tag).outcome)
        return list(left.values())

    def _end(self, outcome: Outcome, letter: LetterEntry | None = None) -> None:
        """Let go of an event that only has to be written and acked."""
        item = outcome.item
        if outcome.kind in {Kind.APPLIED, Kind.SCHEDULED}:
            self._in_hand.applied(item)
        if item.subscriber is not None:
            outcome = structs.replace(outcome, calls=(*outcome.calls, *self._in_hand.let_go(item)))
        self._ended.append(Ended(outcome, self._clock.time(), letter))
        self._empty.clear()
        self._came.set()


def _note_ends(batch: Batch, ended: Sequence[Ended]) -> None:
    """Put into a batch what is written of events that ended."""
    outcomes = [each.outcome for each in ended]
    batch.entries = [entry for each in ended if (entry := history_entry(each.outcome, each.at)) is not None]
    batch.due = [due for each in outcomes if (due := due_effect(each.item, each.error)) is not None]
    batch.anew = [anew for each in outcomes if (anew := due_of_others(each)) is not None]
    batch.letters = [each.letter for each in ended if each.letter is not None]
    batch.newest = [newest for each in outcomes if (newest := newest_event(each)) is not None]
    batch.replayed = ends_of_runs(outcomes)
    batch.past = [timer for each in outcomes if (timer := due_id(each.item.delivery)) is not None]
