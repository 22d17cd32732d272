"""What people ask for by a plan, done by messages of the workers' own, a person each.

Here only their timers are set. The workers publish them, a hundred at a time and behind what just happens,
and again where one is lost; whoever has the account carries on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from worker.ledger.history import Line, lines_of
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.ops.told_end import HELD, NOT_DONE
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import HELD_TOLD, Kind

PORTION: Final = 1000
"""Timers that are set in one transaction."""
Effect = Callable[[int, float], DueEffect]
"""Returns the timer of a number, given what time it is."""


def numbered(run: str, number: int) -> str:
    """Return the id of a run's timer, which is that of its event, too; numbers begin with 1."""
    return f"{run}-{number:07}"


async def set_timers(
    ledger: Ledger,
    account: str,
    count: int,
    effect: Effect,
    counted: Callable[[int], None] = lambda _: None,
) -> None:
    """Set a run's timers; those that are set already stay as they are.

    Args:
        ledger: The workers'.
        account: Whose.
        count: How many there are.
        effect: Returns each.
        counted: Is told of how many more are set.

    Raises:
        LedgerUnavailable: Some may be set.
    """
    timers = Timers(ledger)
    for first in range(1, count + 1, PORTION):
        now = await timers.now()
        portion = range(first, min(first + PORTION, count + 1))
        await timers.set(account, [effect(number, now) for number in portion])
        counted(len(portion))


async def left(ledger: Ledger, account: str, run: str) -> int:
    """Return how many people of a run are not done yet; raises `LedgerUnavailable`."""
    return await Timers(ledger).count(account, f"{run}-")


async def ends(ledger: Ledger, account: str, run: str, count: int) -> Counter[str]:
    """Return how many people's events ended how, as the history names it; raises `LedgerUnavailable`."""
    ended = Counter[str]()
    for first in range(1, count + 1, PORTION):
        portion = [numbered(run, number) for number in range(first, min(first + PORTION, count + 1))]
        ended.update((await outcomes(ledger, account, portion)).values())
    if missing := count - ended.total():
        ended[NOT_DONE] = missing
    return ended


async def outcomes(ledger: Ledger, account: str, ids: Sequence[str]) -> dict[str | None, str]:
    """Return how events ended, by their ids, as `end_of` does; raises `LedgerUnavailable`."""
    lines = await lines_of(ledger.database, account, ids)
    return {line.event_id: end_of(line) for line in lines if line.outcome != Kind.DUPLICATE.value}


def end_of(line: Line) -> str:
    """Return how an event ended, as the history names it; `HELD` where tags that it asks for are held."""
    return HELD if line.outcome == Kind.APPLIED.value and HELD_TOLD in line.detail else line.outcome
