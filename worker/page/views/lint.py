"""What is legal in an account's file and probably wrong: by the file, by what Kit has, and by what came."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit
from worker.accounts.lint.by_kit import NO_COUNTS
from worker.accounts.lint.facts import AccountText, Facts
from worker.accounts.lint.last_events import LastEvents
from worker.accounts.saving import read_exactly
from worker.errors import CannotSave, LedgerUnavailable
from worker.ops.came import last_events
from worker.ops.lint_kit import with_names
from worker.ops.linting import WHAT_EVENTS_TELL
from worker.page.answers import render
from worker.page.findings import FindingRow, rows
from worker.page.request import site_of
from worker.page.site import NO_LEDGER, Site
from worker.page.typing_aids import kit_lists

LATEST: Final = 500
"""Events that are looked at."""
KIT_IS_ASKED: Final = "What Kit has is not known here yet: it is asked, so look again in some seconds."
KIT_IS_NOT_ASKED: Final = "What Kit has is not known here, since there is no credential to ask it."
NOT_COUNTED: Final = f"This Kit does not say how many people have a tag, so {NO_COUNTS} was left out."


async def show(request: web.Request) -> web.StreamResponse:
    """Show the findings."""
    site, name = site_of(request), request.match_info["account"]
    account = site.account(name)
    values: dict[str, Any] = {"account": name, "view": "lint", "is_wrong": account is None}
    if account is not None:
        kit, events, notes = await _beside(site, account)
        found = await asyncio.to_thread(_rows, site, name, kit, events)
        tells = WHAT_EVENTS_TELL if events is not None else ""
        values |= {"is_wrong": found is None, "rows": found or [], "tells": tells, "notes": notes}
    return render(request, "lint.html", values)


def _rows(site: Site, name: str, kit: AtKit | None, events: LastEvents | None) -> list[FindingRow] | None:
    """Return what is found in the file as it is now; None where it has a mistake by now."""
    try:
        text = read_exactly(site.files.path_of(name))
    except CannotSave:
        return None
    account = site.files.account_in(name, text)
    # What all accounts together say is no admin's to hear: it names others.
    return None if account is None else rows(Facts(AccountText(account, text), None, kit, events))


async def _beside(site: Site, account: Account) -> tuple[AtKit | None, LastEvents | None, list[str]]:
    """Return what Kit has, as far as that is known, what came, and what is to be said of both."""
    kit, events, notes = (await kit_lists(site, account)).at_kit, None, list[str]()
    try:
        if await site.has_ledger():
            events = await last_events(site.ledger.database, account, LATEST)
            kit = kit and await with_names(site.ledger.database, account.name, kit)
        else:
            notes.append(NO_LEDGER)
    except LedgerUnavailable as error:
        notes.append(f"The ledger cannot be read: {error}.")
    if kit is None:
        notes.append(KIT_IS_ASKED if account.credential is not None else KIT_IS_NOT_ASKED)
    elif not kit.has_counts:
        notes.append(NOT_COUNTED)
    return kit, events, notes
