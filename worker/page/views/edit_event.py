"""A form for what one event does: tags, a moment, rules with one condition; what it cannot say stays."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any, Final

from aiohttp import web

from worker.accounts.edit.edits import Edit, SetEntry, UnsetEntry
from worker.accounts.edit.event_form import TagRow, default_value, form_of, problems_of
from worker.accounts.edit.rule_form import GIVEN, NOT_GIVEN, RuleRow, named
from worker.accounts.file.source import read_yaml
from worker.accounts.saving import read_exactly, sha256_of
from worker.errors import CannotSave
from worker.handlers import HANDLERS
from worker.mapping.words import COMPARED, in_words, text_of
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal, render
from worker.page.filled_event import MOST_MORE, Does, Filled, filled_in
from worker.page.proposal import Fault, Proposal, Refused, form_in
from worker.page.request import site_of, visitor_of
from worker.page.typing_aids import typing_aids
from worker.page.views.review import reviewed
from worker.page.words import Told

NO_TYPE: Final = "Write which type of event this is about, such as order.paid."
BOTH: Final = (
    "You chose that {choice}, and changed what stands below it: {what}. Choose “do what stands here”, or "
    "take that back."
)
DROPPED: Final = "What stood in the file for {kind} is taken out of it: {what}."
CHOICES: Final = {"nothing": "nothing is done", "default": "the file says nothing of it"}
HOW_CALLED: Final = {how.value: said for how, said in COMPARED.items()} | {
    GIVEN: "is given",
    NOT_GIVEN: "is not given",
}
AS_TEXT: Final = Told("busy", "{kind} is written in a way that a form cannot hold.", "Edit it here, as text.")


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form for one event type, or for one that is to be named."""
    if not visitor_of(request).may_change:
        return refusal(request, 403, "You may look, and change nothing.")
    kind = request.query.get("event", "").strip()
    try:
        filled = await _of_file(request, kind)
    except CannotSave as error:
        return refusal(request, 503, f"{error}.")
    if filled is None:
        told = AS_TEXT._replace(sentence=AS_TEXT.sentence.format(kind=kind))
        return going_to(request, f"{view_of(request.match_info['account'], 'text')}#events", told)
    return await _shown(request, filled)


async def change(request: web.Request) -> web.StreamResponse:
    """Take what somebody has filled in: show what it would change, or save it."""
    form = await form_in(request)
    filled = filled_in(form)
    if filled is None:
        return refusal(request, 400, "This form is not whole; nothing was done.")
    if form.button in {"more", "back"}:
        more = min(filled.more + (form.button == "more"), MOST_MORE)
        return await _shown(request, replace(filled, more=more))
    found = _problems(filled)
    if found:
        return await _shown(request, filled, tuple(map(Fault, found)))
    answer = await reviewed(request, form, Proposal(filled.kind, (_edit(filled),), notes=_notes(filled)))
    return await _shown(request, filled, answer.faults) if isinstance(answer, Refused) else answer


def _problems(filled: Filled) -> list[str]:
    if not filled.kind:
        return [NO_TYPE]
    if filled.does != "this":
        changed = _changed(filled)
        return [BOTH.format(choice=CHOICES[filled.does], what=changed)] if changed else []
    return [f"{each[:1].upper()}{each[1:]}." for each in problems_of(filled.form)]


def _changed(filled: Filled) -> str:
    """Return what somebody has changed in the form, for people; empty where that is nothing."""
    value = filled.value
    names = [name for name in {**filled.was, **value} if filled.was.get(name) != value.get(name)]
    before, after = _tags(filled.was), _tags(value)
    new = [tag for tag in after if tag not in before]
    return ", ".join(new or names)


def _tags(value: dict[str, Any]) -> list[str]:
    """Return the tags that an event names itself, for people."""
    lists = [value.get(name) for name in ("add_tags", "remove_tags")]
    return [
        tag if isinstance(tag, str) else named(tag)
        for tags in lists
        if isinstance(tags, list)
        for tag in tags
    ]


def _edit(filled: Filled) -> Edit:
    if filled.does == "default":
        return UnsetEntry("events", filled.kind)
    return SetEntry("events", filled.kind, filled.value if filled.does == "this" else None)


def _notes(filled: Filled) -> tuple[str, ...]:
    """Return what goes with a choice, so that nothing that was filled in is ignored in silence."""
    what = ", ".join(_tags(filled.was)) or ", ".join(filled.was)
    if filled.does == "this" or not filled.is_there or not what:
        return ()
    return (DROPPED.format(kind=filled.kind, what=what),)


# -- what the file says ------------------------------------------------------------------------------------


async def _of_file(request: web.Request, kind: str) -> Filled | None:
    """Return the form for an event as the file has it; None where a form cannot hold it."""
    path = site_of(request).files.path_of(request.match_info["account"])
    text = await asyncio.to_thread(read_exactly, path)
    data = (await asyncio.to_thread(read_yaml, text.removeprefix("\ufeff"))).data
    events = data.get("events") if isinstance(data, dict) else None
    events = events if isinstance(events, dict) else {}
    handler = HANDLERS.get(kind)
    is_there = kind in events
    value = events[kind] if is_there else default_value(handler.default if handler else None)
    form = form_of(value)
    if form is None:
        return None
    does: Does = "this" if is_there or not handler else "default"
    return Filled(kind, "nothing" if value is None else does, form, value or {}, is_there, sha256_of(text))


# -- how it is shown ---------------------------------------------------------------------------------------


async def _shown(request: web.Request, filled: Filled, faults: tuple[Fault, ...] = ()) -> web.Response:
    name, more = request.match_info["account"], filled.more
    form, handler = filled.form, HANDLERS.get(filled.kind)
    values = {
        "account": name,
        "view": "events",
        "filled": filled,
        "was": json.dumps(filled.was),
        "adds": [*form.adds, *[TagRow(None, "")] * (2 + more)],
        "removes": [] if "remove_tags" in form.kept else [*form.removes, *[TagRow(None, "")] * (1 + more)],
        "rules": [*form.rules, *[RuleRow(None)] * (1 + more)],
        "how_called": HOW_CALLED,
        "by_default": [text_of(each) for each in in_words(handler.default)]
        if handler and handler.default
        else [],
        "is_known": handler is not None,
        "faults": faults,
        "aids": await typing_aids(site_of(request), name),
    }
    return render(request, "edit_event.html", values, status=422 if faults else 200)
