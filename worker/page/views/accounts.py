"""All accounts and workers at a glance, for operators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from worker.ledger.registry import WorkerView
from worker.ops.depths import Depth
from worker.page.addresses import view_of
from worker.page.answers import render, see
from worker.page.request import site_of, visitor_of
from worker.page.site import Site
from worker.page.state import State, Workers, state_of
from worker.page.views.day import day_values
from worker.page.words import ago

PER_PAGE: Final = 100
NAMED: Final = 3
"""Accounts that are named where a worker lacks their files; the others are counted."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account.

    Attributes:
        limit: Calls a minute that Kit allows; 0 where nobody knows.
        file: Whether its file is in force, for people; empty where it is, everywhere.
    """

    name: str
    state: State
    depth: Depth
    limit: int
    file: str

    @property
    def needs_somebody(self) -> bool:
        """Whether it does not work, has dead letters or held tags, or has a file that is not in force."""
        return self.state.told.mood == "bad" or bool(self.depth.dead or self.file or self.state.held)


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One worker.

    Attributes:
        has: How many accounts it has, besides those for which it stands by.
        lacks: Of which accounts it has another file in force than the one that is there, for people.
        gone: When it gave its last sign, for people; empty where it is at work.
    """

    name: str
    version: str
    accounts: int
    has: int
    lacks: str
    gone: str


async def show(request: web.Request) -> web.StreamResponse:
    """Show all accounts; an admin goes on to the one that is theirs."""
    account = visitor_of(request).account
    if account is not None:
        return see(view_of(account))
    return render(request, "accounts.html", await _values(request) | await day_values(request))


async def show_rows(request: web.Request) -> web.StreamResponse:
    """Show the rows alone, for whoever looks on."""
    return render(request, "_accounts.html", await _values(request))


async def _values(request: web.Request) -> dict[str, Any]:
    site, find = site_of(request), request.query.get("find", "").strip()
    only, after = request.query.get("only", "") == "wrong", request.query.get("after", "")
    workers = await site.workers()
    names = [name for name in site.loaded.names if find.lower() in name.lower()]
    if only:
        names = [row.name for row in _rows(site, workers, names) if row.needs_somebody]
    rest = [name for name in names if name > after]
    chosen = {"find": find, **({"only": "wrong"} if only else {})}
    return {
        "rows": list(_rows(site, workers, rest[:PER_PAGE])),
        "find": find,
        "only": only,
        "count": len(names),
        "live": urlencode({**chosen, "after": after}),
        "next": urlencode({**chosen, "after": rest[PER_PAGE - 1]}) if len(rest) > PER_PAGE else "",
        "workers": list(_workers(site, workers)),
        "problems": [each for each in (workers.problem, site.broker_problem) if each],
    }


def _rows(site: Site, workers: Workers, names: list[str]) -> Iterator[AccountRow]:
    live = [each for each in workers.overview.workers if each.live] if workers.overview else []
    for name in names:
        account = site.account(name)
        limit = account.credential.limit if account and account.credential else 0
        having = [each for each in live if name in each.accounts]
        lacking = sum(not _has_file(site, each, name) for each in having)
        if account is None:
            file = "has a mistake"
        else:
            file = f"in force on {len(having) - lacking} of {len(having)} workers" if lacking else ""
        yield AccountRow(name, state_of(name, workers), site.depth(name), limit, file)


def _has_file(site: Site, worker: WorkerView, name: str) -> bool:
    """Tell whether a worker has an account's file in force as it is now; who does not tell may well have."""
    account, known = site.account(name), worker.accounts[name].get("config_hash")
    return account is None or known is None or known == account.version


def _workers(site: Site, workers: Workers) -> Iterator[WorkerRow]:
    if workers.overview is None:
        return
    held = list(workers.overview.holders.values())
    for each in workers.overview.workers:
        lacks = [name for name in each.accounts if not _has_file(site, each, name)] if each.live else []
        more = f" and {len(lacks) - NAMED} more" if len(lacks) > NAMED else ""
        told = f"not of {', '.join(sorted(lacks)[:NAMED])}{more}" if lacks else ""
        gone = "" if each.live else ago(workers.overview.now - each.seen_at)
        yield WorkerRow(each.worker, each.version, len(each.accounts), held.count(each.worker), told, gone)
