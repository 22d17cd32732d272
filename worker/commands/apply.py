"""`kit-worker apply`: brings the people who are there already under the file in force."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from worker.accounts.account import Account
from worker.commands.common import (
    AccountName,
    begin,
    one_account,
    opened_ledger,
    read_accounts,
    run_async,
    says_yes,
)
from worker.commands.exits import ExitCode, UsageError
from worker.commands.impact import show_told
from worker.commands.output import AsJson, say, show_json
from worker.commands.progress import progress
from worker.ledger.store import Ledger
from worker.ledger.taggings import count_people
from worker.ops.apply_plan import ApplyPlan, NotAPlanError, plan_apply
from worker.ops.apply_run import NOT_DONE, NotThisPlanError, ends, left, run_of, start, stop, undo
from worker.ops.told_impact import ONLY_OF_THEM, limit_of, minutes_of, told
from worker.settings import Settings
from worker.subscribers.item import Kind

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at how far a run has come."""
WHO: Final = "the command line"
DONE: Final = frozenset({Kind.APPLIED.value, Kind.SUPERSEDED.value})
_WHY: Final = {
    NOT_DONE: "the run was stopped before their turn",
    Kind.IGNORED.value: "another file was in force by then; make the plan anew",
    Kind.DEAD_LETTERED.value: "they are dead letters: kit-worker dead-letters list --account ACCOUNT",
    Kind.FORGOTTEN.value: "they were forgotten meanwhile",
}


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """What is to be done.

    Attributes:
        plan: Which plan; None to make one.
        save: Where to keep it, in place of doing it; None to do it.
        wait: Whether to wait until it is done.
    """

    plan: ApplyPlan | None
    save: Path | None
    wait: bool
    as_json: bool


def apply(  # noqa: PLR0913  # one for each option
    account: AccountName,
    *,
    plan: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Apply this plan, which --save has kept.")
    ] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep the plan here, and apply nothing.")
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the workers have done it.")
    ] = True,
    stop_: Annotated[
        str, typer.Option("--stop", metavar="HASH", help="Do no more of the plan with this hash.")
    ] = "",
    undo_: Annotated[
        Path | None,
        typer.Option(
            "--undo", metavar="FILE", help="Take off what this plan put on, and nobody touched since."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what people would gain and lose by the file in force, and have the workers do it.

    Exit code: 0 nothing is left to do, 1 something is.
    """
    if sum(map(bool, (plan, save, stop_, undo_))) > 1:
        raise UsageError("--plan, --save, --stop and --undo are four things to do; say one")
    settings = begin()
    chosen = one_account(read_accounts(settings), account)
    if stop_:
        dropped = run_async(_stopped(settings, chosen.name, f"apply-{stop_}"))
        say(f"Stopped: {dropped:,} people stay as they were.")
        return
    if undo_ is not None:
        people = run_async(_undone(settings, chosen.name, _read(undo_)))
        say(f"The workers take off what it put on, of {people:,} people.")
        return
    asked = ApplyOptions(None if plan is None else _read(plan), save, wait=wait, as_json=as_json)
    raise typer.Exit(run_async(_apply(settings, chosen, asked)))


def _read(plan: Path) -> ApplyPlan:
    try:
        return ApplyPlan.load(plan.read_bytes())
    except OSError as error:
        raise UsageError(f"{plan}: cannot be read: {error.strerror}") from error
    except NotAPlanError as error:
        raise UsageError(f"{plan}: {error}") from error


async def _stopped(settings: Settings, account: str, run: str) -> int:
    async with opened_ledger(settings) as ledger:
        return await stop(ledger, account, run, WHO)


async def _undone(settings: Settings, account: str, plan: ApplyPlan) -> int:
    if plan.account != account:
        raise UsageError(f"the plan is for {plan.account}, not for {account}")
    async with opened_ledger(settings) as ledger:
        with progress("looking at people", hidden=False) as steps:
            steps.expect(len(plan.people))
            return await undo(ledger, plan, WHO, steps.advance)


async def _planned(ledger: Ledger, account: Account, *, hidden: bool) -> ApplyPlan:
    with progress("looking at people", hidden=hidden) as steps:
        steps.expect(await count_people(ledger.database, account.name))
        return await plan_apply(ledger, account, steps.advance)


async def _apply(settings: Settings, account: Account, asked: ApplyOptions) -> ExitCode:
    async with opened_ledger(settings) as ledger:
        plan = asked.plan
        if plan is None:
            plan = await _planned(ledger, account, hidden=asked.as_json)
            _show(plan, limit_of(account, settings.kit_rate_limit), asked)
            if not plan.people:
                return ExitCode.OK
            if asked.save is not None:
                asked.save.write_bytes(plan.dump())
                say(f"The plan is in {asked.save}: kit-worker apply {account.name} --plan {asked.save}")
            if asked.save is not None or not _agreed(asked):
                return ExitCode.SOMETHING
        try:
            await start(ledger, account, plan, WHO)
        except NotThisPlanError as error:
            raise UsageError(str(error)) from error
        return await _until_done(ledger, plan, asked)


def _agreed(asked: ApplyOptions) -> bool:
    if asked.as_json or not sys.stdin.isatty():
        return False
    return says_yes("Have the workers do this?")


def _show(plan: ApplyPlan, limit: int, asked: ApplyOptions) -> None:
    if asked.as_json:
        about = {"hash": plan.hash, "version": plan.version, "minutes": minutes_of(plan.impact, limit)}
        show_json({**about, **plan.impact.as_json()})
        return
    found = told(plan.impact, limit)
    show_told(replace(found, unknown=tuple(each for each in found.unknown if each != ONLY_OF_THEM)))
    if plan.people:
        say(f"Plan {plan.hash}, for the version {plan.version} of the file of {plan.account}.")


async def _until_done(ledger: Ledger, plan: ApplyPlan, asked: ApplyOptions) -> ExitCode:
    """Wait until the workers have done a plan; whoever does not wait leaves it to them."""
    run, count = run_of(plan), len(plan.people)
    say(
        "The workers do it, behind what just happens. It goes on without this command; to end it: kit-worker "
        f"apply {plan.account} --stop {plan.hash}"
    )
    if not asked.wait:
        return ExitCode.SOMETHING
    with progress("people", hidden=asked.as_json) as steps:
        steps.expect(count)
        done = 0
        while waiting := await left(ledger, plan.account, run):
            steps.advance(count - waiting - done)
            done = count - waiting
            await asyncio.sleep(LOOK_EVERY)
    return _said(await ends(ledger, plan), plan.account, count)


def _said(ended: Counter[str], account: str, count: int) -> ExitCode:
    """Say how the people of a plan ended: a run may have been stopped, or another file be in force."""
    done = sum(ended[end] for end in DONE)
    if done == count:
        say(f"Done: {count:,} people. What each got: kit-worker history --email ADDRESS")
        return ExitCode.OK
    say(f"Done: {done:,} of {count:,} people. The others were not brought under the file:")
    for end in sorted(ended.keys() - DONE):
        say(f"{ended[end]:,}: {_WHY.get(end, end).replace('ACCOUNT', account)}")
    return ExitCode.SOMETHING
