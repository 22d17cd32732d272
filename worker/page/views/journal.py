"""Who did what by the page, and how it ended: of one account, or of all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from worker.ledger.journal import PAGE
from worker.page.answers import render
from worker.page.request import number_in, site_of


async def show(request: web.Request) -> web.StreamResponse:
    """Show the newest lines, or those before one of them."""
    account = request.match_info.get("account")
    lines = await site_of(request).journal(account, number_in(request.query.get("before", "")))
    values: dict[str, Any] = {
        "lines": [(_when(each.at), each.action) for each in lines],
        "older": lines[-1].id if len(lines) == PAGE else None,
        "all": account is None,
    }
    if account is not None:
        values |= {"account": account, "view": "journal"}
    return render(request, "journal.html", values)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
