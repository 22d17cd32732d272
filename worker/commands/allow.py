"""`kit-worker allow`: show which new taggings are held in an account, and let them through."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from worker.accounts.load import load_accounts
from worker.commands.common import AccountName, begin, opened_ledger, run_async, unknown_account
from worker.commands.exits import ExitCode, UsageError
from worker.commands.output import AsJson, say, show, show_json, table
from worker.ledger.held import HeldPlan, held_plan
from worker.ops.allow import Allowed, NotThePlan
from worker.ops.allow import allow as let_through
from worker.settings import Settings, environment

WHO = "kit-worker allow"


def allow(
    account: AccountName,
    plan: Annotated[
        str | None, typer.Option(metavar="HASH", help="Let through just what this plan says.")
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, metavar="N", help="Let the N oldest through.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show which new taggings are held, and let them through.

    Without --plan or --count nothing is done: it shows what is held, and the hash of that for --plan.

    Exit code: 0 nothing is held, 1 something is, 2 it is not what the plan says, 4 the ledger is away.
    """
    if plan is not None and count is not None:
        raise UsageError("--plan lets all through that it says, and --count only some: give one of them")
    done = run_async(_allow(begin(), account, plan, count))
    held = done.left
    if as_json:
        show_json({**asdict(held), "let_through": done.count})
    else:
        _show(done, asked=plan is not None or count is not None)
    raise typer.Exit(ExitCode.SOMETHING if held.count else ExitCode.OK)


async def _allow(settings: Settings, account: str, plan: str | None, count: int | None) -> Allowed:
    async with opened_ledger(settings) as ledger:
        if plan is None and count is None:
            held = await held_plan(ledger, account)
            names = load_accounts(settings.config_dir, environment()).names
            if not (held.count or held.on_the_way) and account not in names:
                raise unknown_account(account, names)
            return Allowed(0, held)
        try:
            return await let_through(ledger, account, WHO, plan=plan, count=count)
        except NotThePlan as error:
            raise UsageError(str(error)) from error


def _show(done: Allowed, *, asked: bool) -> None:
    held = done.left
    if asked:
        say(done.told)
    if not held.count:
        if not asked:
            say(f"Nothing is held in {held.account}.")
    else:
        _show_plan(held)
    if held.on_the_way:
        are = "is" if held.on_the_way == 1 else "are"
        say(f"{held.on_the_way:,} {are} let through, and on the way.")


def _show_plan(held: HeldPlan) -> None:
    rows = [
        (group.tag, group.event_type or "not known", f"{group.people:,}", group.oldest, group.newest,
         ", ".join(group.examples))
        for group in held.groups
    ]  # fmt: skip
    show(table(("Tag", "Asked for by", "People", "First event", "Last event", "For example"), rows))
    say(
        f"{held.count:,} new taggings are held by max_new_taggings_per_hour. To let just these through:",
        f"kit-worker allow {held.account} --plan {held.hash}",
    )
