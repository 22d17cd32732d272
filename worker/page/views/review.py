"""Before a file is saved: what that would change, in words, in lines, and for the events that came last."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import structlog
from aiohttp import web

from worker.accounts.saving import read_exactly, save, sha256_of
from worker.errors import CannotEdit, CannotSave, FileChanged, LedgerUnavailable
from worker.ledger.versions import Version, Versions
from worker.outside.texts import line
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.answers import render
from worker.page.diff import difference
from worker.page.differences import differences, warnings
from worker.page.findings import changes
from worker.page.impact import impact_of
from worker.page.proposal import Fault, Form, Proposal, Proposed, Refused, worked_out
from worker.page.request import site_of, visitor_of
from worker.page.site import NO_LEDGER
from worker.page.typing_aids import kit_lists
from worker.page.views.people_look import people_look
from worker.page.views.tests import told
from worker.page.words import Told, day

log = structlog.get_logger()

OURS: Final = frozenset({"do", "read"})
"""What a form sends besides what somebody has typed."""
SAYS_SO: Final = "The file says so already: there is nothing to save."
MEANWHILE: Final = (
    "Somebody else has saved this file since you opened it{by}. Nothing of yours is lost: below, it is held "
    "against the file as it is now. Look whether it takes out what they have put in; then save it, or go on "
    "editing."
)
TAKEN_UP: Final = (
    "Within seconds every worker has it in force: see below. Whoever is there by now stays as they are, "
    "until Apply brings them under it."
)


async def reviewed(request: web.Request, form: Form, proposal: Proposal) -> web.Response | Refused:
    """Return what is answered to a proposal: what it would change or, once that was seen, that it is saved.

    Args:
        request: Of whoever proposes it.
        form: As they filled it in; `read` is the SHA-256 of the file that they have seen.
        proposal: It.
    """
    found = await _worked_out(request, proposal)
    if isinstance(found, Refused):
        return found
    if form.button == "download":
        return _download(found.account.name, found.text)
    if form.button == "save" and form.get("read") == sha256_of(found.present):
        try:
            return await _saved(request, form, found)
        except FileChanged:
            return await reviewed(request, form, proposal)  # which shows what it is now, and saves nothing
    return await _shown(request, form, found)


async def _worked_out(request: web.Request, proposal: Proposal) -> Proposed | Refused:
    files, name = site_of(request).files, request.match_info["account"]
    try:
        present = await asyncio.to_thread(read_exactly, files.path_of(name))
        found = await asyncio.to_thread(worked_out, proposal, present, name, files)
    except (CannotSave, CannotEdit) as error:
        return Refused((Fault(f"{error}."),))
    if isinstance(found, Proposed) and found.text == present:
        return Refused((Fault(SAYS_SO),))
    return found


def _download(name: str, text: str) -> web.Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.yaml"'}
    return web.Response(body=text.encode(), content_type="application/yaml", headers=headers)


# -- what it would change ----------------------------------------------------------------------------------


async def _shown(request: web.Request, form: Form, found: Proposed) -> web.Response:
    site, before = site_of(request), found.before
    mark, tests = sha256_of(found.present), await site.examples.of(found.account, found.text)
    values = {
        **told(tests, found.account),
        "tests_sentence": tests.sentence,
        "notes": [*found.proposal.notes, *warnings(before, found.account, await kit_lists(site, before))],
        "meanwhile": "" if form.get("read") == mark else MEANWHILE.format(by=await _by(request, mark)),
        "differences": differences(before, found.account),
        "findings": await asyncio.to_thread(changes, found.present, before, found.text, found.account),
        "lines": difference(found.present, found.text),
        "impact": (await impact_of(site, before, found.account)).sentence,
        **await people_look(request, found),
    }
    return render(request, "review.html", {**_always(request, form, found.proposal, mark), **values})


def _always(request: web.Request, form: Form, proposal: Proposal, mark: str) -> dict[str, Any]:
    return {
        "account": request.match_info["account"],
        "view": "versions",
        "of": proposal.of,
        "typed": [(key, value) for key, value in form.boxes if key not in OURS],
        "read": mark,
        "place": request.path_qs,
    }


async def _by(request: web.Request, mark: str) -> str:
    """Return who has saved a file last, and when, as far as that is known."""
    version = await newest_version(request)
    if version is None or version.sha256 != mark or not version.who:
        return ""
    return f": {version.who}, on {day(version.at)}"


async def newest_version(request: web.Request) -> Version | None:
    """Return the version of the account's file that was kept last; None where none was, or nobody knows."""
    site = site_of(request)
    try:
        if not await site.has_ledger():
            return None
        found = await Versions(site.ledger).page(request.match_info["account"], limit=1)
    except LedgerUnavailable:
        return None
    return found[0] if found else None


# -- saving it ---------------------------------------------------------------------------------------------


async def _saved(request: web.Request, form: Form, found: Proposed) -> web.Response:
    """Save it; raises `FileChanged` where somebody else was faster."""
    site, name = site_of(request), request.match_info["account"]
    path, remark = site.files.path_of(name), TAKEN_UP
    try:
        await asyncio.to_thread(save, path, found.text, sha256_of(found.present))
    except FileChanged:
        raise
    except CannotSave as error:
        if not await asyncio.to_thread(_holds, path, found.text):
            return _not_saved(request, form, found, str(error))
        remark = f"{error}."  # it is saved, and its disk may not keep it
    site.put(found.account)
    problem = await _kept(request, found)
    told = Told("bad" if problem else "good", f"Saved: {found.proposal.of}.", f"{remark} {problem}".strip())
    return await ended(request, "edit", told, view_of(name, "versions"))


def _holds(path: Path, text: str) -> bool:
    try:
        return read_exactly(path) == text
    except CannotSave:
        return False


async def _kept(request: web.Request, found: Proposed) -> str:
    """Keep both texts as versions; return why one cannot go back to them, empty where one can."""
    site, name, who = site_of(request), request.match_info["account"], line(visitor_of(request).who)
    try:
        if not await site.has_ledger():
            return f"It is kept as no version. {NO_LEDGER}"
        is_kept = await Versions(site.ledger).keep(name, who, found.text, replaced=found.present)
    except LedgerUnavailable as error:
        log.warning("page_version_not_kept", account=name, who=who, problem=str(error))
        return f"It is kept as no version: {error}."
    return "" if is_kept else "It is kept as no version, since one of the texts holds an address or a secret."


def _not_saved(request: web.Request, form: Form, found: Proposed, problem: str) -> web.Response:
    """Return what somebody is shown whose text could not be saved, with the text to take along."""
    log.warning("page_edit_not_saved", account=found.account.name, problem=problem)
    values = _always(request, form, found.proposal, sha256_of(found.present))
    values |= {"problem": problem, "text": found.text}
    return render(request, "not_saved.html", values, status=503)
