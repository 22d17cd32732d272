"""Hands the rows of a planned file to the workers, and says what came of them.

Here only timers are set. The workers publish them, a hundred at a time and behind what just happens, and
again where one is lost; whoever has the account carries on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from enum import Enum, auto
from typing import Final

from worker.ledger.history import Line, lines_saying
from worker.ledger.journal import Action, Journal, JournalLine
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.metrics import VERSION
from worker.ops.backfill.plan import BEGUN, BackfillPlan
from worker.ops.own_runs import end_of
from worker.ops.taking_back import taking_back
from worker.subscribers.item import ROW_TOLD, Kind

HANDED_OVER: Final = "backfill handed over"
STOPPED: Final = "stop"
UNDONE: Final = "undo"
ENDED: Final = "backfill ended"
STOP_ENDED: Final = "stop ended"
"""What the journal calls what else is done about a run, and that nothing of it is left since."""
ACTIONS: Final = (BEGUN, HANDED_OVER, STOPPED, UNDONE, ENDED, STOP_ENDED)
PORTION: Final = 1000
"""Timers that are set in one transaction, and lines of the history that are read at once."""
LOOK_EVERY: Final = 0.5
"""Seconds between two looks whether rows are done that were on their way."""
APART: Final = 1e-6
"""Seconds between two of them, which keep their order by that."""


class HowFar(Enum):
    """How far a run has come."""

    NEW = auto()
    """Nobody began it, or it was ended since."""
    BEGUN = auto()
    """Its rows are being handed to the workers; whoever did may have ended before all were."""
    HANDED_OVER = auto()


_SET_LATER: Final = frozenset({Kind.APPLIED.value, Kind.SCHEDULED.value})
"""Ends of rows of which some may take effect later; of a copy, the event that came before may."""
_STAGES: Final = {BEGUN: HowFar.BEGUN, HANDED_OVER: HowFar.HANDED_OVER, ENDED: HowFar.HANDED_OVER}


async def latest(ledger: Ledger, account: str, run: str) -> JournalLine | None:
    """Return what was last done about a run; None where nobody ever began it; raises `LedgerUnavailable`."""
    return await Journal(ledger).latest(account, run)


def stage_of(line: JournalLine | None) -> HowFar:
    """Return how far a run has come, by what was last done about it."""
    return HowFar.NEW if line is None else _STAGES.get(line.action.action, HowFar.NEW)


async def other_versions(ledger: Ledger) -> str:
    """Tell that workers of another version are at work, which may know nothing of such rows; empty if none.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    workers = (await Registry(ledger, ledger.worker).overview()).workers
    others = {each.version or "an older one" for each in workers if each.live} - {VERSION}
    return (
        f"workers of another version are at work ({', '.join(sorted(others))}), and this is {VERSION}"
        if others
        else ""
    )


async def start(
    ledger: Ledger, plan: BackfillPlan, who: str, counted: Callable[[int], None] = lambda _: None
) -> None:
    """Have workers take in a plan's rows; done once more, it hands over those that are left.

    Args:
        ledger: The workers'.
        plan: What somebody has agreed to.
        who: Who says so, without an address.
        counted: Is told of how many more rows are handed over.

    Raises:
        LedgerUnavailable: Some may be.
    """
    journal, timers, order = Journal(ledger), Timers(ledger), plan.order
    begins = f"{len(order):,} rows are being handed to the workers: {plan.new_taggings:,} new taggings"
    await journal.append(Action(plan.account, who, BEGUN, plan.run, len(order), begins))
    for first in range(0, len(order), PORTION):
        portion, now = order[first : first + PORTION], await timers.now()
        await timers.set(
            plan.account,
            [replace(plan.spool[number], at=now + place * APART) for place, number in enumerate(portion)],
        )
        counted(len(portion))
    told = f"All of {len(order):,} rows are with the workers"
    await journal.append(Action(plan.account, who, HANDED_OVER, plan.run, len(order), told))


async def ends(ledger: Ledger, account: str, run: str) -> Counter[str]:
    """Return how many rows of a run ended how, as the history names it; raises `LedgerUnavailable`."""
    ended = dict[str, str]()
    async for lines in _lines(ledger, account, run):
        for name, line in lines:
            if line.outcome != Kind.DUPLICATE.value or name not in ended:
                ended[name] = end_of(line)
    return Counter(ended.values())


async def stop(ledger: Ledger, account: str, run: str, who: str) -> int:
    """Take no more rows of a run in, and return of how many; who is on the way is done all the same."""
    dropped = await Timers(ledger).drop_waiting(account, f"{run}-")
    told = f"It was stopped; {dropped:,} rows are not taken in"
    await Journal(ledger).append(Action(account, who, STOPPED, run, dropped, told))
    return dropped


async def undo(
    ledger: Ledger, account: str, run: str, who: str, counted: Callable[[int], None] = lambda _: None
) -> int:
    """Have workers take off what a run put on, and nobody touched since; return of how many rows.

    What waits still is not taken in; what is on its way comes in all the same, so that it is waited for. What
    the run set for later does not happen.

    Args:
        ledger: The workers'.
        account: Its name.
        run: Which.
        who: Who says so, without an address.
        counted: Is told of how many more rows were looked at.

    Raises:
        LedgerUnavailable: Some may be taken back.
    """
    timers, taken_back = Timers(ledger), 0
    await timers.drop_waiting(account, f"{run}-")  # else what waits still comes in after this
    while await timers.count(account, f"{run}-"):  # noqa: ASYNC110  # whoever does them is another process
        await asyncio.sleep(LOOK_EVERY)
    async for lines in _lines(ledger, account, run):
        done = [(int(name.rpartition("-")[2]), line) for name, line in lines]
        await timers.drop_of(account, [_event(line) for _, line in done if line.outcome in _SET_LATER])
        effects = await taking_back(ledger, account, run, done)
        await timers.set(account, [effect for each in effects.values() for effect in each])
        taken_back += len(effects)
        counted(len(lines))
    told = f"What {taken_back:,} rows put on is taken back"
    await Journal(ledger).append(Action(account, who, UNDONE, run, taken_back, told))
    return taken_back


async def _lines(ledger: Ledger, account: str, run: str) -> AsyncIterator[list[tuple[str, Line]]]:
    """Yield what the history has of a run's rows, the oldest first: each row's name, and a line of it."""
    after = 0
    said = f"{ROW_TOLD}{run}-"
    while found := await lines_saying(ledger.database, account, said, after=after, limit=PORTION):
        yield [(_name(line), line) for _, line in found]
        after = found[-1][0]


def _event(line: Line) -> tuple[str | None, str, str]:
    return line.event_id, line.event_type, line.event_time


def _name(line: Line) -> str:
    return line.detail.rpartition(ROW_TOLD)[2]
