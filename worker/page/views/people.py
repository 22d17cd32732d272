"""One person in one account: what the ledger knows beside what Kit has, and what came."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from worker.accounts.account import Account
from worker.ledger.person import Cause
from worker.ledger.signs import people_of_id
from worker.ops.compared import TagState
from worker.ops.person import person_view, timeline
from worker.page.answers import refusal, render, see
from worker.page.request import number_in, site_of
from worker.page.site import Site
from worker.subscribers.identity import normalize_email

LISTS_LAG: Final = 300.0
"""Seconds for which Kit's list of a person's tags may be late (Kit API reference, "Consistency")."""


async def find(request: web.Request) -> web.StreamResponse:
    """Ask for an address or an id, and go to whom it is."""
    site, name, text = site_of(request), request.match_info["account"], request.query.get("find", "").strip()
    account = site.account(name)
    email = "" if account is None else await _address_of(site, account, text)
    if email:
        return see(f"/accounts/{quote(name, safe='')}/people/{quote(email, safe='')}")
    values = {"account": name, "view": "people", "find": text, "is_wrong": account is None}
    return render(request, "people.html", values)


async def _address_of(site: Site, account: Account, text: str) -> str:
    """Return an address of whoever is meant; empty where nobody is known by that id."""
    try:
        return normalize_email(text)
    except ValueError:
        pass  # then it is an id
    if not text or not await site.has_ledger():
        return ""
    apps = {account.name: account.apps}
    known = await people_of_id(site.ledger.database, text, apps, only=account.name)
    found = {each.email for each in known}
    return found.pop() if len(found) == 1 else ""


async def show(request: web.Request) -> web.StreamResponse:
    """Show one person."""
    site, name = site_of(request), request.match_info["account"]
    account = site.account(name)
    if account is None:
        return refusal(request, 503, "The account's file has a mistake, which has to be mended first.")
    if not await site.has_ledger():
        return refusal(request, 503, "There is no ledger yet: the first worker that starts makes it.")
    try:
        email = normalize_email(request.match_info["email"])
    except ValueError:
        return refusal(request, 404)
    return render(request, "person.html", await _values(request, site, account, email))


async def _values(request: web.Request, site: Site, account: Account, email: str) -> dict[str, Any]:
    view = await person_view(site.ledger, account, site.kit, email)
    came = await timeline(
        site.ledger, view.known, account.name, before=number_in(request.query.get("before", ""))
    )
    return {
        "account": account.name,
        "view": "people",
        "email": email,
        "person": view,
        "is_known": view.known.record is not None or view.kit.person is not None,
        "came": came,
        "differs": differs if view.kit.person is not None else _unknown,
        "lately": site.clock.time() - LISTS_LAG,
        "why": why,
        "day": day,
    }


def differs(tag: TagState) -> bool:
    """Tell whether somebody lacks a tag in Kit that they should have, or has one that they should not."""
    return tag.wanted is not None and not tag.owed and tag.wanted != (tag.in_kit is not None)


def _unknown(_tag: TagState) -> bool:
    return False


def why(cause: Cause | None) -> str:
    """Return by which event something is so, for people."""
    if cause is None:
        return "not by us"
    rule = f", rule {cause.rule}" if cause.rule else ""
    return f"{cause.event_type or 'an event'} of {cause.event_time}{rule}"


def day(at: float) -> str:
    """Return a moment for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
