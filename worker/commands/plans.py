"""What commands share that carry out a plan: reading it, asking, waiting until the workers have done it."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from worker.commands.common import says_yes
from worker.commands.exits import UsageError
from worker.commands.output import warn
from worker.commands.progress import progress
from worker.ledger.store import Ledger
from worker.ops.own_runs import ends, left
from worker.ops.stored_plan import NotAPlanError

P = TypeVar("P")

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at how far a run has come."""
WHO: Final = "the command line"
NOBODY_ASKED: Final = (
    "kit-worker: nothing was done, for there is no terminal at which somebody could say yes: keep the plan "
    "by --save FILE, and apply it by --plan FILE"
)


def read_plan(path: Path, load: Callable[[bytes], P]) -> P:
    """Return the plan in a file.

    Raises:
        UsageError: It cannot be read, or is no plan.
    """
    try:
        return load(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except NotAPlanError as error:
        raise UsageError(f"{path}: {error}") from error


def check_place(path: Path) -> None:
    """Tell before a plan is made, which takes long, that it could not be kept in a file.

    Raises:
        UsageError: It could not be written there.
    """
    is_there = path.exists()
    try:
        with path.open("ab"):
            pass
        if not is_there:
            path.unlink()
    except OSError as error:
        raise _not_kept(path, error) from error


def save_plan(path: Path, plan: bytes) -> None:
    """Keep a plan in a file.

    Raises:
        UsageError: It cannot be written there.
    """
    try:
        path.write_bytes(plan)
    except OSError as error:
        raise _not_kept(path, error) from error


def _not_kept(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path}: the plan cannot be kept there: {error.strerror}")


def agreed(*, as_json: bool) -> bool:
    """Tell whether somebody at the terminal wants it done; nobody is asked where nobody is there."""
    if as_json:
        return False
    if not sys.stdin.isatty():
        warn(NOBODY_ASKED)
        return False
    return says_yes("Have the workers do this?")


async def until_done(ledger: Ledger, account: str, run: str, count: int, *, hidden: bool) -> Counter[str]:
    """Wait until a run is done, and return how many people's events ended how, as the history names it.

    Args:
        ledger: The workers'.
        account: Whose run.
        run: See `own_runs`.
        count: How many people it has.
        hidden: Whether to show nothing of how far it has come.

    Raises:
        LedgerUnavailable: It could not be read; the run goes on.
    """
    with progress("people", hidden=hidden) as steps:
        steps.expect(count)
        done = 0
        while waiting := await left(ledger, account, run):
            steps.advance(count - waiting - done)
            done = count - waiting
            await asyncio.sleep(LOOK_EVERY)
    return await ends(ledger, account, run, count)
