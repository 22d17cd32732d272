"""What an account's admin may change of its file, as text: each section as it stands there, with comments."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from worker.accounts.edit.edits import Section, SetSection, section_text
from worker.accounts.saving import read_exactly, sha256_of
from worker.errors import CannotEdit, CannotSave
from worker.page.answers import refusal, render
from worker.page.proposal import Fault, Form, Proposal, Refused, form_in
from worker.page.request import site_of, visitor_of
from worker.page.views.review import SAYS_SO, reviewed

SECTIONS: Final[tuple[Section, ...]] = ("events", "fields", "options")
FEWEST_ROWS: Final = 6
MOST_ROWS: Final = 40


@dataclass(frozen=True, slots=True)
class SectionBox:
    """One section, as somebody has it before them.

    Attributes:
        text: As it stands in the box.
        was: The SHA-256 of what stood there when it was opened.
    """

    name: Section
    text: str
    was: str

    @property
    def rows(self) -> int:
        """How many lines are seen at once."""
        return max(FEWEST_ROWS, min(MOST_ROWS, self.text.count("\n") + 2))


async def show(request: web.Request) -> web.StreamResponse:
    """Show the sections."""
    if not visitor_of(request).may_change:
        return refusal(request, 403, "You may look, and change nothing.")
    path = site_of(request).files.path_of(request.match_info["account"])
    try:
        text = await asyncio.to_thread(read_exactly, path)
        boxes = await asyncio.to_thread(lambda: tuple(_boxes(text)))
    except (CannotSave, CannotEdit) as error:
        return refusal(request, 409, f"{error}.")
    return _shown(request, boxes, sha256_of(text))


def _boxes(text: str) -> Iterator[SectionBox]:
    for name in SECTIONS:
        part = section_text(text, name)
        yield SectionBox(name, part, _mark(part))


def _mark(text: str) -> str:
    """Return what tells a section's text apart; browsers end its lines as Windows does."""
    return sha256_of(_plain(text))


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n")


async def change(request: web.Request) -> web.StreamResponse:
    """Take what somebody has written: show what it would change, or save it."""
    form = await form_in(request)
    boxes = tuple(_sent(form))
    changed = [box for box in boxes if _mark(box.text) != box.was]
    if form.button == "back":
        return _shown(request, boxes, form.get("read"))
    if not changed:
        return _shown(request, boxes, form.get("read"), (Fault(SAYS_SO),))
    edits = tuple(SetSection(box.name, box.text) for box in changed)
    proposal = Proposal(" and ".join(box.name for box in changed), edits)
    answer = await reviewed(request, form, proposal)
    if isinstance(answer, Refused):
        return _shown(request, boxes, form.get("read"), answer.faults)
    return answer


def _sent(form: Form) -> Iterator[SectionBox]:
    for name in SECTIONS:
        if name in form:
            yield SectionBox(name, form.get(name), form.get(f"{name}.was"))


def _shown(
    request: web.Request, boxes: tuple[SectionBox, ...], read: str, faults: tuple[Fault, ...] = ()
) -> web.Response:
    values = {
        "account": request.match_info["account"],
        "view": "versions",
        "boxes": boxes,
        "read": read,
        "faults": faults,
    }
    return render(request, "edit_text.html", values, status=422 if faults else 200)
