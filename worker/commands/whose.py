"""Whom a command is about: by an address, or by the platform's id, which is one person's within an app."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from worker.accounts.load import load_accounts
from worker.commands.common import an_address, opened_ledger, run_async
from worker.commands.exits import UsageError
from worker.ledger.signs import KnownId, people_of_id
from worker.settings import Settings, environment

ByUser: TypeAlias = Annotated[
    str | None, typer.Option("--user", metavar="ID", help="By the platform's id, in place of an address.")
]
OfApp: TypeAlias = Annotated[
    str | None, typer.Option("--app", help="Whose id it is, where several apps have it.")
]


def whose_address(settings: Settings, email: str | None, user: str | None, app: str | None) -> str:
    """Return an address of the person who is meant.

    Raises:
        UsageError: Nobody is meant, nobody is known by that id, or several are.
        LedgerUnavailable: The ledger could not be read.
    """
    if (email is None) == (user is None):
        raise UsageError("say whom: an address, or --user with the platform's id")
    if email is not None:
        return an_address(email)
    return _only(run_async(_known(settings, user or "")), user or "", app)


async def _known(settings: Settings, user: str) -> list[KnownId]:
    accounts = load_accounts(settings.config_dir, environment()).accounts
    async with opened_ledger(settings) as ledger:
        apps = {name: account.apps for name, account in accounts.items()}
        return await people_of_id(ledger.database, user.strip(), apps)


def _only(known: list[KnownId], user: str, app: str | None) -> str:
    meant = [each for each in known if app is None or each.app == app]
    if not meant:
        of = "" if app is None else f" of {app}"
        raise UsageError(f"nobody is known by the id {user}{of}")
    if len({each.email for each in meant}) > 1:
        apps = ", ".join(sorted({each.app or "(none)" for each in meant}))
        raise UsageError(f"several people are known by the id {user}: say --app with one of {apps}")
    return meant[0].email
