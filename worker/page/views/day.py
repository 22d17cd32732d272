"""The last 24 hours as plots, of one account or of all."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from worker.page.answers import render
from worker.page.plots import HEIGHT, WIDTH, first_quarter, plots
from worker.page.request import site_of


async def show(request: web.Request) -> web.StreamResponse:
    """Show the plots alone, for whoever looks on."""
    return render(request, "_day.html", await day_values(request))


async def day_values(request: web.Request) -> dict[str, Any]:
    """Return what the plots show: of the account that the address names, or of all."""
    site, account = site_of(request), request.match_info.get("account")
    now = site.clock.time()
    counts, problem = await site.counted(account, first_quarter(now), now)
    size = {"width": WIDTH, "height": HEIGHT}
    return {"plots": plots(counts, now), "plot_size": size, "day_problem": problem}
