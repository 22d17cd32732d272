"""Which texts an account's file had, who has saved them, and which workers have the present one in force."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from worker.accounts.saving import read_exactly, sha256_of
from worker.errors import CannotSave
from worker.ledger.versions import PAGE, Version, Versions
from worker.page.addresses import view_of
from worker.page.answers import refusal, render
from worker.page.diff import difference
from worker.page.proposal import Proposal, Refused, form_in
from worker.page.request import number_in, site_of
from worker.page.state import Workers
from worker.page.views.review import reviewed
from worker.page.words import Told, day


@dataclass(frozen=True, slots=True)
class InForce:
    """What one worker has in force of an account's file."""

    worker: str
    told: Told


async def show(request: web.Request) -> web.StreamResponse:
    """Show the versions, the newest first, or those before one of them."""
    site, name = site_of(request), request.match_info["account"]
    before = number_in(request.query.get("before", ""))
    found = await Versions(site.ledger).page(name, before=before) if await site.has_ledger() else []
    values = {
        **await _values(request),
        "versions": [_row(version) for version in found],
        "older": found[-1].id if len(found) == PAGE else None,
        "present": await _present_mark(request),
    }
    return render(request, "versions.html", values)


async def show_in_force(request: web.Request) -> web.StreamResponse:
    """Show which workers have it in force alone, for whoever looks on."""
    return render(request, "_in_force.html", await _values(request))


async def _values(request: web.Request) -> dict[str, Any]:
    site, name = site_of(request), request.match_info["account"]
    account, workers = site.account(name), await site.workers()
    version = account.version if account else ""
    return {
        "account": name,
        "view": "versions",
        "is_wrong": account is None,
        "in_force": list(in_force(name, version, workers)) if account else [],
        "problem": workers.problem,
    }


def in_force(name: str, version: str, workers: Workers) -> Iterator[InForce]:
    """Yield what each worker that lives has in force.

    Args:
        name: The account's.
        version: Of its file as it is now.
        workers: What they say of themselves.
    """
    for each in workers.overview.workers if workers.overview else ():
        if each.live and name in each.accounts:
            yield InForce(each.worker, _told(each.accounts[name].get("config_hash"), version))


def _told(known: object, version: str) -> Told:
    if known == version:
        return Told("good", "has this file in force")
    if known is None:
        return Told("busy", "does not tell: it is of before versions were told")
    return Told("busy", "has an older one; it looks every second, and tells within ten")


def _row(version: Version) -> dict[str, Any]:
    return {
        "id": version.id,
        "when": day(version.at),
        "who": version.who or "found in the file",
        "mark": version.sha256,
    }


async def _present_mark(request: web.Request) -> str:
    path = site_of(request).files.path_of(request.match_info["account"])
    try:
        return sha256_of(await asyncio.to_thread(read_exactly, path))
    except CannotSave:
        return ""


async def show_one(request: web.Request) -> web.StreamResponse:
    """Show how one version differs from the file as it is now."""
    return await _shown(request)


async def restore(request: web.Request) -> web.StreamResponse:
    """Go back to a version: show what that would change, or save it."""
    form, text = await form_in(request), await _text(request)
    if text is None:
        return refusal(request, 404)
    if form.button == "back":
        return await _shown(request)
    number = request.match_info["version"]
    answer = await reviewed(request, form, Proposal(f"version {number}, restored", old=text))
    return await _shown(request, answer) if isinstance(answer, Refused) else answer


async def _text(request: web.Request) -> str | None:
    site, number = site_of(request), number_in(request.match_info["version"])
    if number is None or not await site.has_ledger():
        return None
    return await Versions(site.ledger).text(request.match_info["account"], number)


async def _shown(request: web.Request, refused: Refused | None = None) -> web.Response:
    site, name, text = site_of(request), request.match_info["account"], await _text(request)
    if text is None:
        return refusal(request, 404)
    try:
        present = await asyncio.to_thread(read_exactly, site.files.path_of(name))
    except CannotSave as error:
        return refusal(request, 503, f"{error}.")
    values = {
        "account": name,
        "view": "versions",
        "number": number_in(request.match_info["version"]),
        "lines": difference(present, text),
        "read": sha256_of(present),
        "faults": refused.faults if refused else (),
        "place": view_of(name, "versions", request.match_info["version"]),
    }
    return render(request, "version.html", values, status=422 if refused else 200)
