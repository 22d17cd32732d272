"""`kit-worker forget`: erase a person from ledger, history and dead letters, and what is due."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from worker.accounts.load import load_accounts
from worker.commands.common import begin, opened_ledger, run_async, says_yes
from worker.commands.exits import ExitCode, UsageError
from worker.commands.output import AsJson, say, show, show_json, table, warn
from worker.commands.progress import progress
from worker.commands.whose import ByUser, OfApp, whose_address
from worker.errors import KitWorkerError
from worker.ops.forget import Forgetting
from worker.settings import Settings, environment

IGNORED: Final = "up to now, or dated up to five minutes ahead, will be ignored"


def forget(
    email: Annotated[str | None, typer.Argument(metavar="EMAIL", help="An address of the person.")] = None,
    *,
    user: ByUser = None,
    app: OfApp = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person from ledger, history, dead letters and what is due, by every address the person had.

    What stays is a keyed hash with a time, so that a late copy of an older event does not bring the person
    back. Kit itself, backups and logs are not touched. With --user, all is erased that the person of that id
    has, under every address; an id is one person's within one app.
    """
    settings = begin()
    address = whose_address(settings, email, user, app)
    _confirm(address, yes=yes)
    forgetting = Forgetting(address)
    try:
        with progress("erasing; workers are told, and dead letters looked through", hidden=as_json):
            run_async(_forget(settings, forgetting))
    except (KitWorkerError, KeyboardInterrupt) as error:
        if not forgetting.erased:
            raise
        _report(forgetting, as_json=as_json)
        interrupted = isinstance(error, KeyboardInterrupt)
        text = "; ".join(["interrupted" if interrupted else str(error), *forgetting.left()])
        warn(f"kit-worker: {text}")  # with the address, which whoever typed it has to look for
        if interrupted:
            raise
        raise typer.Exit(ExitCode.UNREACHABLE) from error
    _report(forgetting, as_json=as_json)
    if left := "; ".join(forgetting.left()):
        warn(f"kit-worker: {left}")
        raise typer.Exit(ExitCode.UNREACHABLE)


def _confirm(address: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{address} would be erased for good; say --yes")
    if not says_yes(f"Erase {address} from ledger, history and dead letters for good?"):
        raise UsageError("nothing was erased")


async def _forget(settings: Settings, forgetting: Forgetting) -> None:
    names = load_accounts(settings.config_dir, environment()).names
    async with opened_ledger(settings) as ledger:
        await forgetting.run(settings, ledger, names)


def _report(forgetting: Forgetting, *, as_json: bool) -> None:
    if forgetting.others:
        warn(f"kit-worker: {forgetting.others}")
    letters = [letter.account for letter in forgetting.letters]
    rows = [
        (each.account, each.records, each.people, each.history, each.due, letters.count(each.account))
        for each in forgetting.erased
    ]
    keys = ("account", "records", "user_ids", "history", "due", "dead_letters")
    if as_json:
        show_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    found = [row for row in rows if any(row[1:])]
    if not found:
        say(f"Nothing was found to erase. Events of this address {IGNORED}.")
        return
    headings = ("Account", "Records", "User ids", "Lines of history", "Due later", "Dead letters")
    show(table(headings, [[str(cell) for cell in row] for row in found]))
    say(f"That is erased. Events of this person {IGNORED}; Kit itself was not touched.")
