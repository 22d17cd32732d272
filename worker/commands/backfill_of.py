"""What `kit-worker backfill` does with one account's file: plan it, hand it to the workers, and wait."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from worker.accounts.account import Account
from worker.commands.backfill_view import say_ends, show_plan, show_tables, show_wrong
from worker.commands.common import opened_ledger
from worker.commands.exits import ExitCode, UsageError
from worker.commands.output import moment_text, say, warn
from worker.commands.progress import progress
from worker.ledger.journal import JournalLine
from worker.ledger.store import Ledger
from worker.ops.backfill.as_csv import KitFiles
from worker.ops.backfill.columns import Columns
from worker.ops.backfill.options import BackfillOptions, MembersFileError, run_of
from worker.ops.backfill.plan import BackfillPlan, Planning
from worker.ops.backfill.reading import lines_in, read_rows
from worker.ops.backfill.run import HowFar, ends, latest, other_versions, stage_of, start, stop, undo
from worker.ops.backfill.spool import Spool
from worker.ops.backfill.trial import PersonEnd
from worker.ops.own_runs import left
from worker.ops.told_impact import limit_of
from worker.settings import Settings

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at how far a run has come."""
WHO: Final = "the command line"
GOES_ON: Final = "The workers do it, behind what just happens. It goes on without this command; to end it:"


@dataclass(frozen=True, slots=True)
class AskedBackfill:
    """A file, and how it is taken.

    Attributes:
        account: Whose members are in it.
        as_json: Whether the output is for programs.
    """

    settings: Settings
    account: Account
    file: Path
    options: BackfillOptions
    as_json: bool


@dataclass(frozen=True, slots=True)
class Agreed:
    """What somebody has agreed to.

    Attributes:
        new_taggings: So many.
        skip_wrong: That wrong rows are left out.
    """

    new_taggings: int
    skip_wrong: bool


async def show_planned(asked: AskedBackfill) -> ExitCode:
    """Show what a file would do; raises `UsageError`, or `LedgerUnavailable`."""
    async with opened_ledger(asked.settings) as ledger, _planned(ledger, asked) as (plan, columns):
        limit = limit_of(asked.account, asked.settings.kit_rate_limit)
        show_plan(plan, columns, limit, asked.options, as_json=asked.as_json)
        if plan.wrong:
            return ExitCode.CONFIGURATION
        return ExitCode.SOMETHING if plan.order else ExitCode.OK


async def run_file(asked: AskedBackfill, agreed: Agreed, *, wait: bool) -> ExitCode:
    """Have the workers take a file in, if that is what somebody has agreed to; raises as `show_planned`."""
    run, name = _run(asked), asked.account.name
    async with opened_ledger(asked.settings) as ledger:
        before = await latest(ledger, name, run)
        stage = stage_of(before)
        if stage is not HowFar.HANDED_OVER:
            async with _planned(ledger, asked) as (plan, _):
                _refuse_unless(plan, agreed, is_new=stage is HowFar.NEW)
                await _refuse_beside_others(ledger)
                with progress("handing rows over", hidden=asked.as_json) as steps:
                    steps.expect(len(plan.order))
                    await start(ledger, plan, WHO, steps.advance)
            told = f"{GOES_ON} kit-worker backfill stop {name} {run}"
        else:
            told = _told_again(before, await left(ledger, name, run))
        if not asked.as_json:
            say(told)
        if not wait:
            return ExitCode.SOMETHING
        return await _until_done(ledger, name, run, asked)


def _refuse_unless(plan: BackfillPlan, agreed: Agreed, *, is_new: bool) -> None:
    """Raise `UsageError` unless a plan is what somebody has agreed to, or what is left of that."""
    if plan.wrong and not agreed.skip_wrong:
        raise UsageError(
            f"{len(plan.wrong):,} rows are wrong (kit-worker backfill plan lists them all): mend them, or "
            "leave them out by --skip-wrong"
        )
    if plan.new_taggings > agreed.new_taggings or (is_new and plan.new_taggings < agreed.new_taggings):
        raise UsageError(
            f"there would be {plan.new_taggings:,} new taggings by now, not {agreed.new_taggings:,}, each of "
            f"which may start an automation: look at the plan again, and say --yes {plan.new_taggings}"
        )


async def _refuse_beside_others(ledger: Ledger) -> None:
    """Raise `UsageError` where a worker of another version is at work: it may know nothing of such rows."""
    if others := await other_versions(ledger):
        raise UsageError(f"{others}: bring them all to one version first")


def _told_again(before: JournalLine | None, waiting: int) -> str:
    if before is None:
        return ""
    when, rows = moment_text(before.at), before.action.count
    if waiting:
        return f"This file is with the workers since {when}: {waiting:,} of {rows:,} rows wait."
    return f"This file was taken in by these options already, since {when}: nothing is done a second time."


async def _until_done(ledger: Ledger, account: str, run: str, asked: AskedBackfill) -> ExitCode:
    """Wait until the workers have taken all rows in, and say how they ended."""
    line = await latest(ledger, account, run)
    count = 0 if line is None else line.action.count
    with progress("rows", hidden=asked.as_json) as steps:
        steps.expect(count)
        done = 0
        while waiting := await left(ledger, account, run):
            steps.advance(count - waiting - done)
            done = count - waiting
            await asyncio.sleep(LOOK_EVERY)
    return say_ends(await ends(ledger, account, run), count, run, as_json=asked.as_json)


async def write_tables(asked: AskedBackfill, folder: Path) -> ExitCode:
    """Write what a file would change as tables for Kit's own importer; raises as `show_planned`."""
    _make_empty(folder)
    tables = KitFiles()
    async with opened_ledger(asked.settings) as ledger, _planned(ledger, asked, tables.add) as (plan, _):
        _write(tables, folder)
        show_tables(tables, folder, as_json=asked.as_json)
        show_wrong(plan, as_json=asked.as_json)
        return ExitCode.CONFIGURATION if plan.wrong else ExitCode.OK


def _make_empty(folder: Path) -> None:
    """Make sure of the folder before the file is planned, which takes long."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsageError(f"{folder}: there is something in it; name a folder that is new")
    except OSError as error:
        raise _not_written(folder, error) from error


def _write(tables: KitFiles, folder: Path) -> None:
    try:
        for table in tables.files():
            (folder / table.name).write_text(table.text, encoding="utf-8", newline="")
    except OSError as error:
        raise _not_written(folder, error) from error


def _not_written(folder: Path, error: OSError) -> UsageError:
    return UsageError(f"{folder}: cannot be written: {error.strerror}")


async def stopped(settings: Settings, account: str, run: str) -> tuple[int, int]:
    """Take no more rows of a run in; return of how many, and how many are on their way, which are done.

    Raises as `show_planned`.
    """
    async with opened_ledger(settings) as ledger:
        await _known(ledger, account, run)
        return await stop(ledger, account, run, WHO), await left(ledger, account, run)


async def undone(settings: Settings, account: str, run: str) -> int:
    """Take back what a run put on; return of how many rows. Raises as `show_planned`."""
    async with opened_ledger(settings) as ledger:
        line = await _known(ledger, account, run)
        if await left(ledger, account, run):
            warn("kit-worker: it still goes on: what is on its way is waited for, and taken back, too")
        with progress("looking at rows") as steps:
            steps.expect(line.action.count)
            return await undo(ledger, account, run, WHO, steps.advance)


async def _known(ledger: Ledger, account: str, run: str) -> JournalLine:
    """Return what was last done about a run; raises `UsageError` where nobody ever began it."""
    line = await latest(ledger, account, run)
    if line is None:
        raise UsageError(f"{account} has had no run {run}")
    return line


# -- the file ---------------------------------------------------------------------------------------------


def _run(asked: AskedBackfill) -> str:
    try:
        with asked.file.open("rb") as opened:
            digest = hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{asked.file}: cannot be read: {error.strerror}") from error
    return run_of(asked.account.name, digest, asked.options)


@asynccontextmanager
async def _planned(
    ledger: Ledger, asked: AskedBackfill, told: Callable[[PersonEnd], None] = lambda _: None
) -> AsyncIterator[tuple[BackfillPlan, Columns | None]]:
    """Hold the plan of a file, and its columns."""
    run, ttl = _run(asked), asked.settings.known_state_ttl
    with Spool() as spool, asked.file.open("rb") as opened:
        plan = BackfillPlan(asked.account.name, run, spool)
        try:
            file = read_rows(lines_in(opened), asked.account, asked.options)
            with progress("rows", hidden=asked.as_json) as steps:
                await Planning(ledger, asked.account, asked.options.imported, ttl, plan).plan(
                    file, steps.advance, told
                )
        except MembersFileError as error:
            raise UsageError(f"{asked.file}: {error}") from error
        yield plan, file.columns
