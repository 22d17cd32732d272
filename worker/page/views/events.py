"""What each event does in one account, in words, and which came lately."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from worker.accounts.account import Account
from worker.ledger.seen import Seen
from worker.mapping.words import Sentence, in_words
from worker.page.answers import render
from worker.page.request import site_of
from worker.page.words import ago


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event type.

    Attributes:
        does: In words; empty where the account ignores it.
        seen: What came of it lately; None where none did, or nobody knows.
        last: When the last one ended, for people; empty likewise.
    """

    kind: str
    does: tuple[Sentence, ...]
    seen: Seen | None
    last: str


async def show(request: web.Request) -> web.StreamResponse:
    """Show what each event does."""
    return render(request, "events.html", await _values(request))


async def show_rows(request: web.Request) -> web.StreamResponse:
    """Show the table alone, for whoever looks on."""
    return render(request, "_events.html", await _values(request))


async def _values(request: web.Request) -> dict[str, Any]:
    site, name = site_of(request), request.match_info["account"]
    account, (seen, problem) = site.account(name), await site.seen_lately(name)
    now = site.clock.time()
    return {
        "account": name,
        "view": "events",
        "rows": [] if account is None else list(_rows(account, seen, now)),
        "is_wrong": account is None,
        "problem": problem,
    }


def _rows(account: Account, seen: dict[str, Seen], now: float) -> Iterator[EventRow]:
    """Yield what the account's file maps, and what came besides; messages of no type are dead letters."""
    for kind in sorted({*account.events, *filter(None, seen)}):
        mapping, lately = account.events.get(kind), seen.get(kind)
        last = ago(now - lately.last_at) if lately is not None else ""
        yield EventRow(kind, in_words(mapping) if mapping is not None else (), lately, last)
