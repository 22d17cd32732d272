"""`kit-worker page-link`: an address with which the admin of one account comes into the page."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

import typer

from worker.clock import Clock
from worker.commands.common import AccountName, begin, read_accounts, unknown_account
from worker.commands.exits import UsageError
from worker.commands.output import say
from worker.page.rights import Signer, Visitor

DAY: Final = 24 * 3600.0


def page_link(
    account: AccountName,
    *,
    days: Annotated[int, typer.Option(help="For how long it is valid.", min=1, max=365)] = 7,
    read_only: Annotated[bool, typer.Option("--read-only", help="To look, and change nothing.")] = False,
    address: Annotated[
        str, typer.Option(help="Where the page is, as browsers reach it.")
    ] = "http://127.0.0.1:8090",
) -> None:
    """Print a signed address for the admin of one account. Whoever has it may come in until it ends."""
    settings = begin()
    if settings.page_secret is None:
        raise UsageError(
            "PAGE_SECRET is not set, with which links are signed: set it here as kit-worker page has it"
        )
    names = read_accounts(settings).names
    if account not in names:
        raise unknown_account(account, names)
    visitor = Visitor(f"admin of {account}", account, not read_only, Clock().time() + days * DAY)
    token = Signer(settings.page_secret).write_visitor("link", visitor)
    say(f"{address.rstrip('/')}/link/{quote(token, safe='')}")
