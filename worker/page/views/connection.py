"""One account's connection: how it stands, what to do, and whether Kit answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from worker.accounts.account import Account
from worker.kit.credentials import ApiKey, OAuthApp, StoredKey
from worker.ledger.connecting import Connected
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import render
from worker.page.others import told_to
from worker.page.request import site_of, visitor_of
from worker.page.site import Site
from worker.page.state import state_of
from worker.page.views.day import day_values
from worker.page.views.held import held_values
from worker.page.views.operating import LINKS, PAUSES
from worker.page.words import Told, ago, day, no_ledger_key, of_kit

WITHIN: Final = 5.0
"""Seconds for which somebody waits for the connection test."""
SINGLE: Final = "120 calls a minute, each about one person"
BULK: Final = "600 calls a minute, and bulk calls, each about many people"
"""What Kit allows a credential, in words (Kit API reference, "Credentials and limits")."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show how an account stands."""
    values = await _values(request) | await day_values(request) | await held_values(request)
    return render(request, "connection.html", values)


async def show_state(request: web.Request) -> web.StreamResponse:
    """Show that part alone, for whoever looks on."""
    return render(request, "_state.html", await _values(request))


async def test(request: web.Request) -> web.StreamResponse:
    """Ask Kit whether it lets the worker in."""
    name = request.match_info["account"]
    account = site_of(request).account(name)
    told = _of_no_file() if account is None else await _tested(request, account)
    return await ended(request, "test", told, view_of(name))


async def _tested(request: web.Request, account: Account) -> Told:
    try:
        async with asyncio.timeout(WITHIN):
            report = await site_of(request).ask_kit(account)
    except TimeoutError:
        said = f"Kit has not answered within {WITHIN:.0f} seconds."
        return Told("bad", said, "Test again in a minute; the workers wait for it, and lose nothing.")
    await site_of(request).saw_at_kit(report)
    return of_kit(report)


def _of_no_file() -> Told:
    return Told("bad", "The account's file has a mistake, so nobody knows what to test.", "Mend it first.")


async def _values(request: web.Request) -> dict[str, Any]:
    site, name = site_of(request), request.match_info["account"]
    workers, account, visitor = await site.workers(), site.account(name), visitor_of(request)
    state = state_of(name, workers)
    return {
        "account": name,
        "view": "connection",
        "pauses": PAUSES,
        "links": LINKS,
        "state": replace(state, problem=told_to(visitor, state.problem, name)),
        "depth": site.depth(name),
        **_credential(account),
        **(await _at_kit(site, name, workers.connected.get(name))),
        "limit": account.credential.limit if account and account.credential else 0,
        "apps": account.apps if account else (),
        "mistakes": [told_to(visitor, str(each), name) for each in site.loaded.problems_of(name)],
        "problems": [each for each in (workers.problem, site.broker_problem) if each],
    }


def _credential(account: Account | None) -> dict[str, str]:
    """Return how the worker comes into Kit: in words, and which form goes with it; and what that allows."""
    way, credential, allows = "", "an access token that something else keeps fresh", BULK
    match account.credential if account else None:
        case ApiKey():
            credential, allows = "an API key, which the worker's environment has", SINGLE
        case StoredKey():
            way, credential, allows = "stored", "an API key that is entered here", SINGLE
        case OAuthApp():
            way, credential = "oauth", "OAuth"
        case None:
            missing = "none: the secret that the account's file names is missing"
            credential = missing if account else "not known: the account's file has a mistake"
            allows = ""
    return {"way": way, "credential": credential, "allows": allows}


async def _at_kit(site: Site, name: str, connected: Connected | None) -> dict[str, Any]:
    """Return what is known of the account at Kit, without asking it."""
    seen = await site.seen_at_kit(name)
    return {
        "seen": seen,
        "seen_ago": ago(site.clock.time() - seen.at) if seen else "",
        "connected": connected is not None,
        "connected_on": day(connected.at) if connected else "",
        "can_seal": site.settings.ledger_key is not None,
        "no_key": no_ledger_key("Nothing can be saved here yet"),
    }
