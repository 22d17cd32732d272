"""All accounts at a glance, for operators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from worker.ops.depths import Depth
from worker.page.answers import render, see
from worker.page.request import site_of, visitor_of
from worker.page.site import Site
from worker.page.state import Workers, state_of
from worker.page.views.day import day_values
from worker.page.words import Told

PER_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account."""

    name: str
    told: Told
    worker: str
    depth: Depth


async def show(request: web.Request) -> web.StreamResponse:
    """Show all accounts; an admin goes on to the one that is theirs."""
    account = visitor_of(request).account
    if account is not None:
        return see(f"/accounts/{quote(account, safe='')}")
    return render(request, "accounts.html", await _values(request) | await day_values(request))


async def show_rows(request: web.Request) -> web.StreamResponse:
    """Show the rows alone, for whoever looks on."""
    return render(request, "_accounts.html", await _values(request))


async def _values(request: web.Request) -> dict[str, Any]:
    site, find = site_of(request), request.query.get("find", "").strip()
    workers = await site.workers()
    names = [name for name in site.loaded.names if find.lower() in name.lower()]
    after = request.query.get("after", "")
    rest = [name for name in names if name > after]
    rows = list(_rows(site, workers, rest[:PER_PAGE]))
    return {
        "rows": rows,
        "find": find,
        "after": after,
        "count": len(names),
        "next": rest[PER_PAGE - 1] if len(rest) > PER_PAGE else "",
        "workers": workers.overview.workers if workers.overview else (),
        "now": site.clock.time(),
        "problems": [each for each in (workers.problem, site.broker_problem) if each],
    }


def _rows(site: Site, workers: Workers, names: list[str]) -> Iterator[AccountRow]:
    for name in names:
        state = state_of(name, workers)
        yield AccountRow(name, state.told, state.worker, site.depth(name))
