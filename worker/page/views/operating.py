"""What operators do with one account: pause it, let it go on, and make a link for its admin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from worker.outside.texts import line
from worker.page.actions import ended, noted
from worker.page.addresses import part, view_of
from worker.page.answers import refusal, render
from worker.page.request import is_secure, site_of, visitor_of
from worker.page.rights import Visitor
from worker.page.words import Told, day

HOUR: Final = 3600
DAY: Final = 24 * HOUR
PAUSES: Final[Mapping[int, str]] = {
    0: "until somebody lets it go on",
    HOUR // 2: "for half an hour",
    HOUR: "for an hour",
    4 * HOUR: "for 4 hours",
    DAY: "for a day",
    7 * DAY: "for a week",
}
"""How long a pause may last, in seconds, and in words; 0 has no end."""
LINKS: Final[Mapping[int, str]] = {1: "a day", 7: "a week", 30: "30 days", 90: "90 days"}
"""For how many days a link may be valid, and in words."""
PAUSED: Final = "To change its reason or its end, let the account go on first, and pause it anew."
LONGEST: Final = 200
"""Characters of a reason, or of a name."""


async def pause(request: web.Request) -> web.StreamResponse:
    """Pause the account."""
    if not visitor_of(request).is_operator:
        return refusal(request, 403, "Operators pause accounts.")
    name, form = request.match_info["account"], await request.post()
    lasts = _chosen(form.get("for", "0"), PAUSES)
    if lasts is None:
        return refusal(request, 400, "A pause lasts as long as the form offers.")
    why = _text(form.get("why", ""))
    if await site_of(request).pause(name, why, lasts or None):
        said = f"{name} is paused, {PAUSES[lasts]}: within 5 seconds no worker begins anything of it."
        told = Told("good", said)
    else:
        told = Told("busy", f"{name} was paused already; that pause stays as it is.", PAUSED)
    return await ended(request, "pause", told, view_of(name), what=why)


async def resume(request: web.Request) -> web.StreamResponse:
    """Let the account go on."""
    if not visitor_of(request).is_operator:
        return refusal(request, 403, "Operators let accounts go on.")
    name, form = request.match_info["account"], await request.post()
    since = _moment(str(form.get("since", "")))
    told = Told("good", f"{name} goes on.")
    if not await site_of(request).resume(name, since):
        told = Told(
            "busy", f"{name} goes on already, or was paused anew since you looked; nothing was changed."
        )
    return await ended(request, "resume", told, view_of(name))


async def make_link(request: web.Request) -> web.StreamResponse:
    """Make a link for the account's admin, and show it this once: it is kept nowhere."""
    if not visitor_of(request).is_operator:
        return refusal(request, 403, "Operators make links.")
    site, name, form = site_of(request), request.match_info["account"], await request.post()
    days, may_change = _chosen(form.get("days", "7"), LINKS), form.get("may") == "change"
    if days is None:
        return refusal(request, 400, "A link is valid for as long as the form offers.")
    if site.settings.page_secret is None:
        return refusal(
            request, 503, "Links are signed with PAGE_SECRET, which is not set here: set it first."
        )
    who = _text(form.get("who", "")) or f"admin of {name}"
    visitor = Visitor(who, name, may_change, site.clock.time() + days * DAY)
    token = part(site.signer.write_visitor("link", visitor))
    told = f"for {who}, to {'change things' if may_change else 'look'}, until {day(visitor.until)}"
    await noted(request, "page-link", Told("good", f"A link was made {told}."))
    root = f"{'https' if is_secure(request) else 'http'}://{request.host}"
    values = {"account": name, "view": "connection", "link": f"{root}/link/{token}", "told": told}
    return render(request, "link_made.html", values)


def _chosen(text: object, choices: Mapping[int, str]) -> int | None:
    """Return what was chosen; None where a form by hand says what is no choice."""
    return next((each for each in choices if str(each) == text), None)


def _moment(text: str) -> float | None:
    """Return when the pause began that a form is about; None where a form by hand means any."""
    try:
        return float(text)
    except ValueError:
        return None


def _text(text: object) -> str:
    """Return what somebody wrote, as it is kept: one line, without addresses."""
    return line(str(text).strip(), LONGEST)
