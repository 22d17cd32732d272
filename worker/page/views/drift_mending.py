"""Has workers mend what the last comparison with Kit has found: Kit is put right, or its word is taken."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from worker.ledger.drift import DONE, DriftRuns
from worker.ops.drift.mend import ADOPTED, REPAIRED
from worker.outside.texts import line
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal
from worker.page.drift_mendings import ANOTHER, is_being_mended, mend
from worker.page.request import site_of, visitor_of, written_number
from worker.page.site import NO_LEDGER
from worker.page.views.apply import GOES_ON, MISTAKE
from worker.page.views.drift import PLACE, taggings_in
from worker.page.words import Told

LOOK_FIRST: Final = "Look at what it has found first."
GOES_ON_ALREADY: Final = Told("busy", "Nothing was begun: what was found is being mended already.")


async def repair(request: web.Request) -> web.StreamResponse:
    """Have Kit as it was given, wherever it still is as the comparison has found it."""
    return await _mended(request, REPAIRED)


async def adopt(request: web.Request) -> web.StreamResponse:
    """Take Kit's word for what was found."""
    return await _mended(request, ADOPTED)


async def _mended(request: web.Request, action: str) -> web.Response:
    site, name = site_of(request), request.match_info["account"]
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    account, adopts = site.account(name), action == ADOPTED
    if account is None:
        return await _not_done(request, action, Told("bad", f"Nothing was begun. {MISTAKE}"))
    people = await DriftRuns(site.ledger).count(name)
    if (why := await _why_not(request, people, adopts=adopts)) is not None:
        return await _not_done(request, action, why)
    who, asked = line(visitor_of(request).who), str((await request.post())["asked"])
    going = await mend(site, account, who, asked, adopt=adopts)
    if going.problem:
        return await _not_done(request, action, Told("bad", going.problem))
    told = Told("good", f"It is begun: {people:,} people.", GOES_ON)
    return going_to(request, view_of(name, "drift"), told)


async def _why_not(request: web.Request, people: int, *, adopts: bool) -> Told | None:
    """Return why what a form asks for is not begun; None where it is."""
    site, name, form = site_of(request), request.match_info["account"], await request.post()
    run = await DriftRuns(site.ledger).get(name)
    if run is None or run.state != DONE or not people or str(run.asked_at) != form.get("asked"):
        return Told("busy", ANOTHER, LOOK_FIRST)
    if await is_being_mended(site, name):
        return GOES_ON_ALREADY
    taggings = 0 if adopts else taggings_in(run)
    if written_number(form, "count") == str(taggings or people):
        return None
    said = f"{taggings:,} tags would be put on again" if taggings else f"it is about {people:,} people"
    told = f"Nothing was begun: {said}, and the form says otherwise."
    return Told("busy", told, "Write that number into the box.")


async def _not_done(request: web.Request, action: str, told: Told) -> web.Response:
    place = view_of(request.match_info["account"], "drift")
    return await ended(request, f"{action}: not begun", told, place, count=0)


ROUTES: Final = (web.post(f"{PLACE}/repair", repair), web.post(f"{PLACE}/adopt", adopt))
