"""`kit-worker drift`: what Kit has otherwise than this worker gave it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Final

import typer

from worker.accounts.account import Account
from worker.commands.common import AccountName, begin, one_account, opened_ledger, read_accounts, run_async
from worker.commands.exits import ExitCode, UsageError
from worker.commands.output import AsJson, say, show, show_json, table, warn
from worker.commands.plans import LOOK_EVERY, WHO, check_place, read_plan, save_plan, until_done
from worker.commands.progress import progress
from worker.ledger.drift import FAILED, GOING, DriftRun, DriftRuns
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ledger.taggings import count_people
from worker.ops.drift.mend import run_of, start, told_mended
from worker.ops.drift.plan import TOLD, DriftPlan, plan_of
from worker.settings import Settings

NOBODY_AFTER: Final = 30.0
"""Seconds after which it is said that no worker has the account."""


def drift(
    account: AccountName,
    *,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="Keep what is found here, as a plan.")
    ] = None,
    repair: Annotated[
        Path | None,
        typer.Option(
            "--repair", metavar="PLAN", help="Have Kit as this worker gave it, where a plan says so."
        ),
    ] = None,
    adopt: Annotated[
        Path | None, typer.Option("--adopt", metavar="PLAN", help="Take Kit's word for it, likewise.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what this worker gave with what Kit has; the worker that has the account does it.

    Exit code: 0 nothing, or it was mended, 1 something, 2 it could not be compared, 4 the ledger is away.
    """
    if sum(map(bool, (save, repair, adopt))) > 1:
        raise UsageError("--save, --repair and --adopt are three things to do; say one")
    settings = begin()
    chosen = one_account(read_accounts(settings), account)
    if (path := repair or adopt) is not None:
        plan = read_plan(path, DriftPlan.load)
        done = _mended(settings, chosen, plan, adopt=adopt is not None, hidden=as_json)
        raise typer.Exit(run_async(done))
    if save is not None:
        check_place(save)
    raise typer.Exit(run_async(_drift(settings, chosen, save, as_json=as_json)))


# -- mending ----------------------------------------------------------------------------------------------


async def _mended(
    settings: Settings, account: Account, plan: DriftPlan, *, adopt: bool, hidden: bool
) -> ExitCode:
    if plan.account != account.name:
        raise UsageError(f"the plan is for {plan.account}, not for {account.name}")
    count, run = len(plan.people), run_of(plan.hash, adopt=adopt)
    async with opened_ledger(settings) as ledger:
        await start(ledger, plan, WHO, adopt=adopt)
        ended = await until_done(ledger, account.name, run, count, hidden=hidden)
    told = told_mended(ended)
    if hidden:
        show_json({"hash": plan.hash, "people": count, "ends": dict(ended)})
    else:
        say(f"{told.sentence} What came of each: kit-worker history --email ADDRESS", *told.why)
    return ExitCode.OK if told.is_all else ExitCode.SOMETHING


# -- comparing --------------------------------------------------------------------------------------------


async def _drift(settings: Settings, account: Account, save: Path | None, *, as_json: bool) -> ExitCode:
    async with opened_ledger(settings) as ledger:
        runs = DriftRuns(ledger)
        run = await _compared(ledger, runs, account.name, hidden=as_json)
        if run.state == FAILED:
            raise UsageError(f"it could not be compared: {run.problem}")
        plan = plan_of(run, account.version, await runs.found(account.name))
    if save is not None and plan.people:
        save_plan(save, plan.dump())
    if as_json:
        done = run.progress
        counted = {"compared": done.people, "left_out": done.left_out, "calls": done.calls}
        show_json({**plan.as_json(), **counted})
    else:
        _show(run, plan, save)
    return ExitCode.SOMETHING if plan.people or plan.names else ExitCode.OK


async def _compared(ledger: Ledger, runs: DriftRuns, account: str, *, hidden: bool) -> DriftRun:
    """Have a worker compare an account, and return its comparison once it has ended.

    Ended before, by Ctrl-C, the comparison rests where it is, and the same command goes on with it.
    """
    run = await runs.begin(account, WHO)
    try:
        with progress("comparing people", hidden=hidden) as steps:
            steps.expect(await count_people(ledger.database, account))
            seen, waited = 0, 0.0
            while run.state == GOING:
                steps.advance(run.progress.people - seen)
                seen = run.progress.people
                await asyncio.sleep(LOOK_EVERY)
                waited = 0.0 if run.worker else waited + LOOK_EVERY
                if waited >= NOBODY_AFTER:
                    await _check_somebody_has(ledger, account)
                    waited = 0.0
                run = await runs.get(account) or run
    except BaseException:
        await runs.stop(account)
        warn("kit-worker: the comparison rests where it is; the same command goes on with it")
        raise
    return run


async def _check_somebody_has(ledger: Ledger, account: str) -> None:
    seen = await Registry(ledger, WHO).overview()
    if not any(each.live and account in each.accounts for each in seen.workers):
        raise UsageError(f"no worker at work has {account}, so nobody compares it: start one")
    warn(f"kit-worker: no worker has begun yet; it begins once {account} is at work")


def _show(run: DriftRun, plan: DriftPlan, save: Path | None) -> None:
    done = run.progress
    rows = [
        (TOLD[group.kind], group.name, f"{group.people:,}", ", ".join(group.examples))
        for group in plan.groups()
    ]
    if rows:
        show(table(("Otherwise in Kit", "Tag or field", "People", "For example"), rows))
    say(*(each.told for each in plan.names))
    left_out = (
        f"; {done.left_out:,} were left out, as something of theirs is on its way" if done.left_out else ""
    )
    found = f"{len(plan.people):,} of {done.people:,} people have something otherwise in Kit"
    none = f"Kit has all of {done.people:,} people as this worker gave it"
    say(f"{found if plan.people else none}{left_out}. It took {done.calls:,} calls.")
    if not plan.people:
        return
    if save is None:
        say("To keep it as a plan, which can be carried out: --save FILE")
        return
    say(
        f"Plan {plan.hash} is in {save}. To have Kit as this worker gave it:",
        f"kit-worker drift {plan.account} --repair {save}",
        "To take Kit's word for it instead:",
        f"kit-worker drift {plan.account} --adopt {save}",
    )
