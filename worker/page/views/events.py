"""What each event does in one account, in words, and which came lately."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiohttp import web

from worker.accounts.account import Account
from worker.accounts.file.source import read_yaml
from worker.accounts.saving import read_exactly
from worker.errors import CannotSave
from worker.ledger.seen import Seen
from worker.mapping.words import Sentence, in_words
from worker.page.answers import render
from worker.page.request import site_of
from worker.page.site import Site
from worker.page.words import ago


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event type.

    Attributes:
        does: In words; empty where the account ignores it.
        seen: What came of it lately; None where none did, or nobody knows.
        last: When the last one ended, for people; empty likewise.
        line: Of the file, in which it stands; 0 where it stands in none.
    """

    kind: str
    does: tuple[Sentence, ...]
    seen: Seen | None
    last: str
    line: int


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
        "rows": [] if account is None else list(_rows(account, seen, now, await _lines_in(site, name))),
        "is_wrong": account is None,
        "problem": problem,
    }


async def _lines_in(site: Site, name: str) -> Mapping[str, int]:
    try:
        return event_lines(await asyncio.to_thread(read_exactly, site.files.path_of(name)))
    except CannotSave:
        return {}  # it is gone just now, and everybody is told so within seconds


@lru_cache(maxsize=64)  # whoever looks on asks every five seconds, and files seldom change
def event_lines(text: str) -> Mapping[str, int]:
    """Return in which line of an account's file each event type stands."""
    keys = read_yaml(text.removeprefix("\ufeff")).keys
    return {str(path[1]): spot.line for path, spot in keys.items() if len(path) == 2 and path[0] == "events"}


def _rows(
    account: Account, seen: dict[str, Seen], now: float, lines: Mapping[str, int]
) -> Iterator[EventRow]:
    """Yield what the account's file maps, and what came besides; messages of no type are dead letters."""
    for kind in sorted({*account.events, *filter(None, seen), *lines}):
        mapping, lately = account.events.get(kind), seen.get(kind)
        last = ago(now - lately.last_at) if lately is not None else ""
        does = in_words(mapping) if mapping is not None else ()
        yield EventRow(kind, does, lately, last, lines.get(kind, 0))
