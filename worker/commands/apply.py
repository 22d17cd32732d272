"""`kit-worker apply`: brings the people who are there already under the file in force."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
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
)
from worker.commands.exits import ExitCode, UsageError
from worker.commands.impact import show_told
from worker.commands.output import AsJson, say, show_json
from worker.commands.plans import LOOK_EVERY, WHO, agreed, check_place, read_plan, save_plan
from worker.commands.progress import progress
from worker.ledger.plan_runs import PlanAction
from worker.ledger.plans import KeptPlan
from worker.ledger.store import Ledger
from worker.ledger.taggings import count_people
from worker.ops.apply_plan import ApplyPlan, plan_apply
from worker.ops.apply_run import NotThisPlanError, carry_on, check, end, left, start, stop, undo
from worker.ops.kept_plan import put_plan, told_of
from worker.ops.told_apply import told_plan_end
from worker.ops.told_end import ToldEnd
from worker.ops.told_impact import limit_of, minutes_of
from worker.settings import Settings

GOES_ON: Final = (
    "The workers do it, behind what just happens. It goes on without this command; to end it: kit-worker "
    "apply {} --stop {}"
)
STOPPED: Final = "Stopped: {:,} people stay as they were."
NONE_WAITS: Final = "Nobody waits of that plan: it is done, was stopped before, or its hash is another one."
UNDOING: Final = "The workers take off what it put on, of {:,} people."
NONE_TO_UNDO: Final = (
    "Nothing is left to take off: it put nothing on, or it is off again, or was touched since."
)


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

    Exit code: 0 nothing is left to do, 1 something is, 2 a file or an option is wrong, 4 the ledger is away.
    """
    if sum(map(bool, (plan, save, stop_, undo_))) > 1:
        raise UsageError("--plan, --save, --stop and --undo are four things to do; say one")
    settings = begin()
    chosen = one_account(read_accounts(settings), account)
    if stop_:
        dropped = run_async(_stopped(settings, chosen.name, stop_))
        _tell(dropped, STOPPED if dropped else NONE_WAITS, as_json=as_json)
        return
    if undo_ is not None:
        people = run_async(_undone(settings, chosen, read_plan(undo_, ApplyPlan.load), hidden=as_json))
        _tell(people, UNDOING if people else NONE_TO_UNDO, as_json=as_json)
        return
    if save is not None:
        check_place(save)
    asked = ApplyOptions(
        None if plan is None else read_plan(plan, ApplyPlan.load), save, wait=wait, as_json=as_json
    )
    raise typer.Exit(run_async(_apply(settings, chosen, asked)))


def _tell(people: int, sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json({"people": people})
    else:
        say(sentence.format(people))


async def _stopped(settings: Settings, account: str, hash_: str) -> int:
    async with opened_ledger(settings) as ledger:
        return await stop(ledger, account, hash_, WHO)


async def _undone(settings: Settings, account: Account, plan: ApplyPlan, *, hidden: bool) -> int:
    if plan.account != account.name:
        raise UsageError(f"the plan is for {plan.account}, not for {account.name}")
    async with opened_ledger(settings) as ledger:
        kept = await put_plan(ledger, plan, WHO, limit_of(account, settings.kit_rate_limit))
        await undo(ledger, kept, WHO)
        with progress("looking at people", hidden=hidden) as steps:
            steps.expect(kept.people)
            run = await carry_on(ledger, kept, PlanAction.UNDO, steps.advance)
            return 0 if run is None else run.people


async def _planned(ledger: Ledger, account: Account, *, hidden: bool) -> ApplyPlan:
    with progress("looking at people", hidden=hidden) as steps:
        steps.expect(await count_people(ledger.database, account.name))
        return await plan_apply(ledger, account, steps.advance)


async def _apply(settings: Settings, account: Account, asked: ApplyOptions) -> ExitCode:
    async with opened_ledger(settings) as ledger:
        plan, limit = asked.plan, limit_of(account, settings.kit_rate_limit)
        if plan is None:
            plan = await _planned(ledger, account, hidden=asked.as_json)
            _show(plan, limit, asked)
            if asked.save is not None:
                save_plan(asked.save, plan.dump())
                if not asked.as_json:
                    say(f"The plan is in {asked.save}: kit-worker apply {account.name} --plan {asked.save}")
            if not plan.people:
                return ExitCode.OK
            if asked.save is not None or not agreed(as_json=asked.as_json):
                return ExitCode.SOMETHING
        try:
            check(plan, account)
            kept = await put_plan(ledger, plan, WHO, limit)
            await start(ledger, account, kept, WHO)
        except NotThisPlanError as error:
            raise UsageError(str(error)) from error
        return await _until_done(ledger, kept, asked)


def _show(plan: ApplyPlan, limit: int, asked: ApplyOptions) -> None:
    if asked.as_json:
        about = {"hash": plan.hash, "version": plan.version, "minutes": minutes_of(plan.impact, limit)}
        show_json({**about, **plan.impact.as_json()})
        return
    show_told(told_of(plan.impact, limit))
    if plan.people:
        say(f"Plan {plan.hash}, for the version {plan.version} of the file of {plan.account}.")


async def _until_done(ledger: Ledger, plan: KeptPlan, asked: ApplyOptions) -> ExitCode:
    """Wait until the workers have done a plan; whoever does not wait leaves it to them."""
    if not asked.as_json:
        say(GOES_ON.format(plan.account, plan.hash))
    with progress("people", hidden=asked.as_json or not asked.wait) as steps:
        steps.expect(plan.people)
        run = await carry_on(ledger, plan, PlanAction.APPLY)
        done = 0
        while run is not None and asked.wait and (waiting := await left(ledger, plan, run)):
            steps.advance(plan.people - waiting - done)
            done = plan.people - waiting
            await asyncio.sleep(LOOK_EVERY)
    about = {"hash": plan.hash, "people": plan.people}
    if run is None or not asked.wait:
        if asked.as_json:
            show_json({**about, "left": 0 if run is None else await left(ledger, plan, run), "ends": {}})
        return ExitCode.SOMETHING
    ends = await end(ledger, plan, run)
    told = told_plan_end(PlanAction.APPLY, ends)
    if asked.as_json:
        show_json({**about, "left": 0, "ends": ends})
    else:
        _say_end(told)
    return ExitCode.OK if told.is_all else ExitCode.SOMETHING


def _say_end(told: ToldEnd) -> None:
    """Say how the people of a plan ended: a run may have been stopped, or another file be in force."""
    if told.is_all:
        say(f"{told.sentence} What each got: kit-worker history --email ADDRESS")
    else:
        say(told.sentence, *told.why)
