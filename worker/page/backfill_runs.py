"""The files of members that workers were given lately: how far they are, and taking them back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from worker.ledger.journal import Action, Journal, JournalLine
from worker.ops.backfill.options import RUN
from worker.ops.backfill.plan import BEGUN
from worker.ops.backfill.run import (
    ACTIONS,
    ENDED,
    HANDED_OVER,
    STOP_ENDED,
    STOPPED,
    UNDONE,
    ends,
    undo,
)
from worker.ops.backfill.told import told_ends
from worker.ops.own_runs import left
from worker.page.behind import AT_ONCE, Counted, Going
from worker.page.site import Site
from worker.page.words import lasting

SHOWN: Final = 5
"""Runs that are shown."""
LINES: Final = 100
"""Lines of the journal that are looked at for them."""
_ENDS: Final = {HANDED_OVER: ENDED, STOPPED: STOP_ENDED}


class RunState(StrEnum):
    """How far a run is, as a template names it."""

    HANDING = "handing"
    """Its rows are being handed to the workers; or whoever did so was stopped half-way."""
    GOING = "going"
    STOPPING = "stopping"
    COUNTING = "counting"
    """All rows have ended, and it is being counted how."""
    ENDED = "ended"
    UNDOING = "undoing"
    """It is looked at what is to be taken back, or workers do so."""
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class ShownMembersRun:
    """What is done of a file, or was.

    Attributes:
        begun: The line of the journal that tells who began it.
        newest: The newest line about it.
        rows: How many there are.
        left: How many of them are not done yet; while it is taken back, how many of what is.
        takes: About how long it still takes; empty where nobody can tell.
        going: What this page does about it just now, or why that did not come to its end.
    """

    run: str
    state: RunState
    begun: JournalLine
    newest: JournalLine
    rows: int
    left: int = 0
    takes: str = ""
    going: Going | None = None

    @property
    def done(self) -> int:
        """How many rows are done."""
        return max(0, self.rows - self.left)


async def runs_of(site: Site, account: str) -> list[ShownMembersRun]:
    """Return an account's last runs, the last first, and begin to count how they ended.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    by_run: dict[str, list[JournalLine]] = {}
    for line in await Journal(site.ledger).of(account, ACTIONS, LINES):
        if line.action.what.startswith(RUN):
            by_run.setdefault(line.action.what, []).append(line)
    return [await _shown(site, account, run, lines) for run, lines in list(by_run.items())[:SHOWN]]


async def take_back(site: Site, account: str, run: str, who: str) -> Going:
    """Have workers take off what a run newly put on; see `undo`."""

    async def work(counted: Counted) -> None:
        await undo(site.ledger, account, run, who, counted)

    return await site.behind.do(account, f"{UNDONE} {run}", work)


async def _shown(site: Site, account: str, run: str, lines: list[JournalLine]) -> ShownMembersRun:
    newest = lines[0]
    begun = next((line for line in lines if line.action.action in {BEGUN, HANDED_OVER}), lines[-1])
    rows, undoing = begun.action.count, site.behind.going(account, f"{UNDONE} {run}")
    if undoing is not None:
        return ShownMembersRun(run, RunState.UNDOING, begun, newest, rows, going=undoing)
    action = newest.action.action
    if action == UNDONE:
        waiting = await left(site.ledger, account, f"undo-{run}")
        state = RunState.UNDOING if waiting else RunState.UNDONE
        return ShownMembersRun(run, state, begun, newest, rows, waiting)
    if action in {ENDED, STOP_ENDED}:
        return ShownMembersRun(run, RunState.ENDED, begun, newest, rows)
    waiting = await left(site.ledger, account, run)
    if action == BEGUN:
        return ShownMembersRun(run, RunState.HANDING, begun, newest, rows, waiting)
    if not waiting:
        going = await _count(site, account, newest, rows)
        return ShownMembersRun(run, RunState.COUNTING, begun, newest, rows, going=going)
    state = RunState.STOPPING if action == STOPPED else RunState.GOING
    return ShownMembersRun(run, state, begun, newest, rows, waiting, _takes(site, begun, rows, waiting))


def _takes(site: Site, begun: JournalLine, rows: int, waiting: int) -> str:
    seconds, done = site.clock.time() - begun.at, rows - waiting
    return lasting(seconds / done * waiting) if done > 0 and seconds > 0 else ""


async def _count(site: Site, account: str, last: JournalLine, rows: int) -> Going:
    """Count how the rows of a run ended, and note it: so many lines are read for that once only."""
    run = last.action.what

    async def work(_: Counted) -> None:
        told = told_ends(await ends(site.ledger, account, run), rows)
        said = "; ".join((told.sentence.removesuffix("."), *told.why))
        action = _ENDS[last.action.action]
        await Journal(site.ledger).append(Action(account, site.ledger.worker, action, run, rows, said))

    return await site.behind.do(account, f"{ENDED} {run}", work, within=AT_ONCE)
