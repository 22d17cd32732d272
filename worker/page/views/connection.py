"""One account's connection: how it stands, what to do, and whether Kit answers."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from worker.accounts.account import Account
from worker.kit.credentials import AccessToken, ApiKey, OAuthApp
from worker.page.actions import ended
from worker.page.answers import render
from worker.page.request import site_of
from worker.page.state import state_of
from worker.page.views.operating import LINKS, PAUSES
from worker.page.words import Told, of_kit

WITHIN: Final = 5.0
"""Seconds for which somebody waits for the connection test."""


async def show(request: web.Request) -> web.StreamResponse:
    """Show how an account stands."""
    return render(request, "connection.html", await _values(request))


async def show_state(request: web.Request) -> web.StreamResponse:
    """Show that part alone, for whoever looks on."""
    return render(request, "_state.html", await _values(request))


async def test(request: web.Request) -> web.StreamResponse:
    """Ask Kit whether it lets the worker in."""
    name = request.match_info["account"]
    account = site_of(request).account(name)
    told = _of_no_file() if account is None else await _tested(request, account)
    return await ended(request, "test", told, _place(name))


async def _tested(request: web.Request, account: Account) -> Told:
    try:
        async with asyncio.timeout(WITHIN):
            report = await site_of(request).ask_kit(account)
    except TimeoutError:
        said = f"Kit has not answered within {WITHIN:.0f} seconds."
        return Told("bad", said, "Test again in a minute; the workers wait for it, and lose nothing.")
    return of_kit(report)


def _of_no_file() -> Told:
    return Told("bad", "The account's file has a mistake, so nobody knows what to test.", "Mend it first.")


async def _values(request: web.Request) -> dict[str, Any]:
    site, name = site_of(request), request.match_info["account"]
    workers, account = await site.workers(), site.account(name)
    return {
        "account": name,
        "view": "connection",
        "pauses": PAUSES,
        "links": LINKS,
        "state": state_of(name, workers),
        "depth": site.depth(name),
        "credential": _credential(account),
        "apps": account.apps if account else (),
        "mistakes": [str(problem) for problem in site.loaded.problems_of(name)],
        "problems": [each for each in (workers.problem, site.broker_problem) if each],
    }


def _credential(account: Account | None) -> str:
    """Return in words how the worker comes into Kit."""
    if account is None:
        return "not known: the account's file has a mistake"
    match account.credential:
        case ApiKey():
            return "an API key: 120 calls a minute"
        case OAuthApp():
            return "connected with Kit by OAuth: 600 calls a minute"
        case AccessToken():
            return "an access token that something else keeps fresh: 600 calls a minute"
    return "none: the secret that the account's file names is missing"


def _place(name: str) -> str:
    return f"/accounts/{quote(name, safe='')}"
