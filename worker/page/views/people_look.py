"""Whom a change would treat otherwise, of those who are there: a part of the view before a file is saved."""

from __future__ import annotations

from typing import Any, Final

from aiohttp import web

from worker.errors import LedgerUnavailable
from worker.page.answers import refusal, render
from worker.page.people_looks import PeopleLook, mark_of
from worker.page.proposal import Proposed
from worker.page.request import site_of, visitor_of
from worker.page.site import NO_LEDGER
from worker.page.words import lasting

NOT_COMPARED: Final = "The present file has a mistake, so there is nothing to compare with."
FORGOTTEN: Final = "What was found is not kept any more."


async def people_look(request: web.Request, found: Proposed) -> dict[str, Any]:
    """Return what that part shows of a proposal; the look goes on where it takes longer."""
    site, before = site_of(request), found.before
    if before is None:
        return _values(request, None, NOT_COMPARED)
    try:
        if not await site.has_ledger():
            return _values(request, None, NO_LEDGER)
    except LedgerUnavailable as error:
        return _values(request, None, f"The ledger cannot be read: {error}.")
    mark = mark_of(before, found.present, found.text)
    return _values(request, await site.looks.look(mark, before, found.account), mark=mark)


async def show_state(request: web.Request) -> web.StreamResponse:
    """Show that part alone, for whoever looks on."""
    if not visitor_of(request).may_change:
        return refusal(request, 403, "You may look, and change nothing.")
    account, mark = request.match_info["account"], request.match_info["look"]
    look = site_of(request).looks.find(account, mark)
    values = _values(request, look, "" if look else FORGOTTEN, mark)
    return render(request, "_people_look.html", {"account": account, **values})


def _values(
    request: web.Request, look: PeopleLook | None, problem: str = "", mark: str = ""
) -> dict[str, Any]:
    left = None if look is None else look.left(site_of(request).clock.monotonic())
    return {
        "look": look,
        "look_mark": mark,
        "look_problem": problem or (look.problem if look else ""),
        "look_left": "" if left is None else lasting(left),
    }
