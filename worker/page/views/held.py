"""The new taggings that are held in an account: what they are, and letting those through that one sees."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from worker.errors import LedgerUnavailable
from worker.ledger.held import HeldPlan, held_plan
from worker.ops.allow import ACTION, NotThePlan, allow
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal
from worker.page.request import site_of, visitor_of
from worker.page.site import NO_LEDGER
from worker.page.words import Told

MOST = 20
"""Groups that are shown: the largest."""


async def held_values(request: web.Request) -> dict[str, Any]:
    """Return what is held in the account, for its banner; nothing where nobody knows."""
    plan: HeldPlan | None = None
    site = site_of(request)
    try:
        if await site.has_ledger():
            plan = await held_plan(site.ledger, request.match_info["account"])
    except LedgerUnavailable:
        plan = None  # the state says so
    shown = plan is not None and (plan.count or plan.on_the_way)
    return {"held": plan if shown else None, "most_held": MOST}


async def let_through(request: web.Request) -> web.StreamResponse:
    """Let through what somebody has seen, if it is still that."""
    site, name, form = site_of(request), request.match_info["account"], await request.post()
    plan = str(form.get("plan", ""))
    if not plan:
        return refusal(request, 400, "The form says which held tags it is about.")
    if not await site.has_ledger():
        return refusal(request, 503, NO_LEDGER)
    try:
        done = await allow(site.ledger, name, visitor_of(request).who, plan=plan)
    except NotThePlan:
        said = "What is held is not any more what you saw: some of it was let through, or is wanted no more."
        told = Told("busy", said, "Nothing was done. Look at what is held now.")
        return await ended(request, ACTION, told, view_of(name), what=plan, count=0)
    told = Told("good", done.told, "They go a hundred at a time, behind what happens now.")
    return going_to(request, view_of(name), told)
