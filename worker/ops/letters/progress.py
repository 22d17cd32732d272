"""Notes in the ledger, twice a second, which letters a run is done with, while it goes on."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Self

from worker.dead_letters.letter import DeadLetter
from worker.errors import LedgerUnavailable
from worker.ledger.letter_runs import Run
from worker.ledger.letter_work import LetterWork
from worker.ledger.letters import LetterPlace
from worker.subscribers.identity import id_key

EVERY: Final = 0.5
"""Seconds: whatever was done so shortly before a kill is counted as no longer there."""
PORTION: Final = 500
"""Letters that are noted in one transaction."""


class RunProgress:
    """Hears of each letter that a run is done with; all of them are noted when the context ends.

    It serves for each try of a run: what could not be noted in one is noted in the next, and never forgotten.

    Args:
        work: Where they are noted.
        run: Which run.
        moved_to: Where its letters are then; None where they are in no queue of dead letters any more.

    Attributes:
        ids: Of the letters that it heard of.
    """

    def __init__(self, work: LetterWork, run: Run, moved_to: LetterPlace | None) -> None:
        self.ids: set[str] = set()
        self._work = work
        self._run = run
        self._moved_to = moved_to
        self._new: list[str] = []
        self._ends = asyncio.Event()
        self._noting: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._ends.clear()
        self._noting = asyncio.create_task(self._note_again_and_again())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ends.set()
        if self._noting is not None:
            await self._noting
        await self.note()

    def done(self, letter: DeadLetter) -> None:
        """Hear of a letter that is where it should be; of one that is there twice it is told once."""
        letter_id = id_key(letter.id)
        if letter_id not in self.ids:
            self.ids.add(letter_id)
            self._new.append(letter_id)

    async def _note_again_and_again(self) -> None:
        while not self._ends.is_set():
            with suppress(LedgerUnavailable):  # it is tried again
                await self.note()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._ends.wait()

    async def note(self) -> None:
        """Note those that are not noted yet; raises `LedgerUnavailable`, and they stay to be noted."""
        while self._new:
            portion = self._new[:PORTION]
            await self._work.done(self._run, portion, moved_to=self._moved_to)
            del self._new[: len(portion)]
