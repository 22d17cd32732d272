"""Settles events: what became of them is written into the ledger, and only then are they acked.

Whatever ends while one batch is being written makes up the next: one write per batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final

from worker.events.delivery import Delivery
from worker.ledger.account import AccountLedger
from worker.subscribers.in_hand import InHand
from worker.subscribers.known import Entry

FLUSH_EVERY: Final = 1.0
"""Seconds until what was done of changes that are not finished is written, too."""


@dataclass(frozen=True, slots=True)
class Settled:
    """An event that has come to its end.

    Attributes:
        report: Is called once it is acked.
        entry: For the history; None where nobody can be named.
    """

    delivery: Delivery
    report: Callable[[], None]
    entry: Entry | None


class Settling:
    """One session's way from an outcome to the ack.

    Args:
        in_hand: What has changed.
        ledger: Where it is written.
        ack: Tells the broker, and returns the tags of those of which that was written to it.
        created_tags: Returns how many tags placeholders have created since it was last asked.
    """

    def __init__(
        self,
        in_hand: InHand,
        ledger: AccountLedger,
        *,
        ack: Callable[[Iterable[Delivery]], Awaitable[Collection[int]]],
        created_tags: Callable[[], int],
    ) -> None:
        self._in_hand = in_hand
        self._ledger = ledger
        self._ack = ack
        self._created_tags = created_tags
        self._queue: list[Settled] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._came = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._writing = False

    @property
    def clean(self) -> bool:
        """Whether the ledger has all that was done; not so after a write that was cut short."""
        return not (self._writing or self._in_hand.touched)

    def put(self, settled: Settled) -> None:
        """Add an event."""
        self._queue.append(settled)
        self._empty.clear()
        self._came.set()

    async def written(self) -> None:
        """Wait until all that the people in hand have noted by now is written."""
        written = asyncio.get_running_loop().create_future()
        self._waiting.append(written)
        self._came.set()
        await written

    async def emptied(self) -> None:
        """Wait until all that has ended is acked, and all that was done is written."""
        if self._in_hand.touched:
            await self.written()
        await self._empty.wait()

    async def run(self) -> None:
        """Work until cancelled; what is not acked by then goes back to its queue with the channel.

        Raises:
            EpochLost: Somebody else has taken the account; nothing was written, and nothing acked.
        """
        while True:
            await self._more()
            settled, self._queue = self._queue, []
            waiting, self._waiting = self._waiting, []
            self._writing = True
            batch = self._in_hand.changes()
            batch.created_tags = self._created_tags()
            batch.entries = [each.entry for each in settled if each.entry is not None]
            if batch:
                await self._ledger.save(batch)
            self._writing = False
            for written in waiting:
                if not written.done():
                    written.set_result(None)
            acked = await self._ack(each.delivery for each in settled)
            for each in settled:
                if each.delivery.tag in acked:
                    each.report()
            self._in_hand.drop_idle()
            if not self._queue:
                self._empty.set()

    async def _more(self) -> None:
        while not (self._queue or self._waiting):
            self._came.clear()
            try:
                async with asyncio.timeout(FLUSH_EVERY):
                    await self._came.wait()
            except TimeoutError:
                pass
            if self._in_hand.touched:
                return
