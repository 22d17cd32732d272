"""A form for where one of the platform's values goes in Kit."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final, Literal

from aiohttp import web

from worker.accounts.edit.edits import Edit, SetEntry, UnsetEntry
from worker.accounts.file.source import Unclear, read_yaml
from worker.accounts.saving import read_exactly, sha256_of
from worker.errors import CannotSave
from worker.events.json_body import lenient_json
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import FIRST_NAME
from worker.mapping.words import name_of
from worker.page.answers import refusal, render
from worker.page.proposal import Fault, Form, Proposal, Refused, form_in
from worker.page.request import site_of, visitor_of
from worker.page.typing_aids import typing_aids
from worker.page.views.review import reviewed

NO_NAME: Final = "Write which value this is about, such as data.user.locale."
NO_TARGET: Final = "Write to which custom field in Kit it goes."
BOTH: Final = (
    "You chose that {choice}, and changed the custom field to {target}. Choose that it goes there, or take "
    "that back."
)
CHOICES: Final = {"nothing": "it is not sent", "default": "the file says nothing of it"}

Goes = Literal["there", "nothing", "default"]


@dataclass(frozen=True, slots=True)
class FilledField:
    """A form about a value, as somebody has it before them.

    Attributes:
        source: The value's name.
        goes: `there`, `nothing` where it is not sent, or `default` where the file is to say nothing of it.
        target: The custom field in Kit.
        is_date: Whether its date alone is sent.
        was: What the file said when the form was made; a plain value.
        is_there: Whether the file said anything.
        read: The SHA-256 of that file.
    """

    source: str
    goes: Goes
    target: str
    is_date: bool
    was: Any
    is_there: bool
    read: str

    @property
    def value(self) -> object:
        """What the file is to say where the value goes somewhere."""
        if (self.target, self.is_date) == _target(self.was):
            return self.was
        return {"field": self.target, "format": "date"} if self.is_date else self.target


def _target(said: object) -> tuple[str, bool]:
    """Return to which custom field a value goes by what the file says, and whether as a date."""
    if isinstance(said, dict):
        return str(said.get("field") or ""), said.get("format") == "date"
    return (said, False) if isinstance(said, str) else ("", False)


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form for one value, or for one that is to be named."""
    if not visitor_of(request).may_change:
        return refusal(request, 403, "You may look, and change nothing.")
    path = site_of(request).files.path_of(request.match_info["account"])
    try:
        text = await asyncio.to_thread(read_exactly, path)
    except CannotSave as error:
        return refusal(request, 503, f"{error}.")
    source = request.query.get("field", "").strip()
    return await _shown(request, await asyncio.to_thread(_of_file, text, source))


def _of_file(text: str, source: str) -> FilledField:
    data = read_yaml(text.removeprefix("\ufeff")).data
    fields = data.get("fields") if isinstance(data, dict) else None
    fields = fields if isinstance(fields, dict) else {}
    is_there = source in fields
    said = fields.get(source)
    said = _written(said) if isinstance(said, Unclear) else said
    if not is_there:
        said = _usual(source) or None
    goes: Goes = "nothing" if said is None and is_there else "there" if is_there or not source else "default"
    return FilledField(
        source,
        "there" if not said and not is_there else goes,
        *_target(said),
        said,
        is_there,
        sha256_of(text),
    )


def _written(said: object) -> str:
    """Return what YAML reads otherwise than it looks as it looks; whoever sends it back is told."""
    return said.written if isinstance(said, Unclear) else str(said)


def _usual(source: str) -> str:
    """Return to which custom field a value goes by default; empty where it goes nowhere."""
    if source == "mk_first_name":
        return FIRST_NAME
    return source if source in PLATFORM_FIELDS else ""


async def change(request: web.Request) -> web.StreamResponse:
    """Take what somebody has filled in: show what it would change, or save it."""
    form = await form_in(request)
    filled = _filled(form)
    if filled is None:
        return refusal(request, 400, "This form is not whole; nothing was done.")
    if form.button == "back":
        return await _shown(request, filled)
    if problem := _problem(filled):
        return await _shown(request, filled, (Fault(problem),))
    answer = await reviewed(request, form, Proposal(f"the {name_of(filled.source)}", (_edit(filled),)))
    return await _shown(request, filled, answer.faults) if isinstance(answer, Refused) else answer


def _filled(form: Form) -> FilledField | None:
    try:
        was = lenient_json(form.get("was", "null"))
    except ValueError:
        return None
    texts = (form.get(name).strip() for name in ("field", "goes", "target"))
    source, goes, target = texts
    if goes not in {"there", "nothing", "default"}:
        return None
    there, read = form.get("there") == "yes", form.get("read")
    return FilledField(source, goes, target, "date" in form, was, there, read)  # type: ignore[arg-type]  # it is looked at above


def _problem(filled: FilledField) -> str:
    """Return what is wrong in a form, for people; the rest the loader says."""
    if not filled.source:
        return NO_NAME
    if filled.goes == "there":
        return "" if filled.target else NO_TARGET
    is_same = (filled.target, filled.is_date) == _target(filled.was)
    if is_same or not filled.target:
        return ""
    return BOTH.format(choice=CHOICES[filled.goes], target=filled.target)


def _edit(filled: FilledField) -> Edit:
    if filled.goes == "default":
        return UnsetEntry("fields", filled.source)
    return SetEntry("fields", filled.source, filled.value if filled.goes == "there" else None)


async def _shown(request: web.Request, filled: FilledField, faults: tuple[Fault, ...] = ()) -> web.Response:
    name = request.match_info["account"]
    values = {
        "account": name,
        "view": "fields",
        "filled": filled,
        "called": name_of(filled.source) if filled.source else "another value",
        "was": json.dumps(filled.was, default=_written),
        "usual": _usual(filled.source),
        "faults": faults,
        "aids": await typing_aids(site_of(request), name),
    }
    return render(request, "edit_field.html", values, status=422 if faults else 200)
