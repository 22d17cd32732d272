"""Looks at whom a changed file would treat otherwise, of all who are there: beside the views, one at a time.

A look at many people takes its time. It goes on while views are answered, is asked for again by whoever
waits for it, and ends when nobody does. Nothing of it is kept but in this process, for some minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger.store import Ledger
from worker.ledger.taggings import count_people
from worker.ops.file_impact import file_impact
from worker.ops.told_impact import ToldImpact, limit_of, told

log = structlog.get_logger()

WITHIN: Final = 0.05
"""Seconds that are waited for the end of a look: most accounts are small."""
LEFT_ALONE: Final = 120.0
"""Seconds after which a look ends that nobody has asked for."""
PAUSE: Final = 0.02
"""Seconds that a look gives way to views before each person, at most: some wait for Kit, and take long."""
KEPT_FOR: Final = 600.0
"""Seconds for which an ended look is kept that nobody asks for."""
MOST: Final = 50
"""Ended looks that are kept."""

LEFT: Final = "It ended, since nobody looked at it any more."
NEWER: Final = "It ended, since another change of this account is being looked at."
CRASHED: Final = "It stopped half-way: a fault of this program, and the log of kit-worker page has it."


class _EndedError(Exception):
    """Nobody wants the look any more."""


@dataclass(slots=True)
class PeopleLook:
    """One look at the people of an account.

    Attributes:
        before: The account, by the file in force.
        after: The same, by the changed one.
        asked_at: When somebody asked for it last, by the monotonic clock.
        begun_at: When it was begun, likewise; None while others are looked at.
        expected: How many people there are.
        seen: How many of them have been looked at.
        told: What came of it; None where it has not ended well.
        problem: Why nothing came of it.
        ended: Set once it has ended.
    """

    before: Account
    after: Account
    asked_at: float
    begun_at: float | None = None
    expected: int = 0
    seen: int = 0
    told: ToldImpact | None = None
    problem: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self, problem: str = "") -> None:
        """Let it end."""
        self.problem = problem
        self.ended.set()

    def left(self, now: float) -> float | None:
        """Return about how many seconds it still takes; None where nobody can tell."""
        if self.begun_at is None or not self.seen:
            return None
        return (now - self.begun_at) / self.seen * max(0, self.expected - self.seen)


def mark_of(before: Account, present: str, text: str) -> str:
    """Return what names the look at an account whose file has one text and would have another."""
    marks = (sha256(each.encode(errors="surrogatepass")).hexdigest() for each in (present, text))
    return sha256("\n".join((before.name, *marks)).encode()).hexdigest()


class PeopleLooks:
    """Carries out looks, one after the other.

    Args:
        ledger: The workers'; it is only read.
        clock: The time.
        rate_limit: `KIT_RATE_LIMIT`.
    """

    def __init__(self, ledger: Ledger, clock: Clock, rate_limit: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._rate_limit = rate_limit
        self._looks: dict[str, PeopleLook] = {}
        self._wanted: asyncio.Queue[PeopleLook] = asyncio.Queue()
        self._answering = 0
        self._quiet = asyncio.Event()

    async def look(self, mark: str, before: Account, after: Account) -> PeopleLook:
        """Return a look that may be under way, or have ended; it is begun where there is none.

        An earlier one at another change of the account ends: whoever changes a file goes from one change to
        the next.
        """
        found = self.find(before.name, mark)
        if found is None or found.problem:
            found = self._begin(mark, before, after)
        with self._counted(-1), suppress(TimeoutError):  # whoever asks for it is not in its way
            async with asyncio.timeout(WITHIN):
                await found.ended.wait()
        return found

    def answering(self) -> AbstractContextManager[None]:
        """Let looks give way while a view is being made: each would wait for the interpreter many times."""
        return self._counted(1)

    @contextmanager
    def _counted(self, more: int) -> Iterator[None]:
        self._answering += more
        try:
            yield
        finally:
            self._answering -= more
            if self._answering == 0:
                self._quiet.set()

    async def give_way(self) -> None:
        """Wait, for a moment at most, while views are being made."""
        await asyncio.sleep(0)
        if self._answering > 0:
            self._quiet.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await self._quiet.wait()

    def find(self, account: str, mark: str) -> PeopleLook | None:
        """Return the look of a mark, if it is one at this account, and is kept."""
        found = self._looks.get(mark)
        if found is None or found.before.name != account:
            return None
        found.asked_at = self._clock.monotonic()
        return found

    def _begin(self, mark: str, before: Account, after: Account) -> PeopleLook:
        for each in self._looks.values():
            if each.before.name == before.name and not each.ended.is_set():
                each.end(NEWER)
        self._forget()
        self._looks.pop(mark, None)
        look = self._looks[mark] = PeopleLook(before, after, self._clock.monotonic())
        self._wanted.put_nowait(look)
        return look

    def _forget(self) -> None:
        oldest = self._clock.monotonic() - KEPT_FOR
        ended = [mark for mark, each in self._looks.items() if each.ended.is_set()]
        kept = [mark for mark in ended if self._looks[mark].asked_at >= oldest]
        for mark in {*ended} - {*kept[-MOST:]}:
            del self._looks[mark]

    async def run(self) -> None:
        """Carry out what is wanted, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await self._carry_out(await asyncio.wait_for(self._wanted.get(), KEPT_FOR))
            self._forget()

    async def _carry_out(self, look: PeopleLook) -> None:
        if look.ended.is_set():
            return

        def counted(count: int) -> None:
            look.seen += count
            if self._clock.monotonic() - look.asked_at > LEFT_ALONE:
                look.end(LEFT)
            if look.ended.is_set():
                raise _EndedError

        look.begun_at = self._clock.monotonic()
        try:
            look.expected = await count_people(self._ledger.database, look.before.name)
            found = await file_impact(self._ledger, look.before, look.after, counted, self.give_way)
        except _EndedError:
            return
        except LedgerUnavailable as error:
            look.end(f"The ledger cannot be read: {error}.")
        except Exception:  # the edge: whoever waits for it is told, and the page goes on
            log.exception("page_look_crashed", account=look.before.name)
            look.end(CRASHED)
        else:
            look.told = told(found, limit_of(look.before, self._rate_limit))
            look.end()
