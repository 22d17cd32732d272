"""A form for what one event does: tags, a moment, rules with one condition; what it cannot say stays."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from aiohttp import web

from worker.accounts.edit.edits import Edit, SetEntry, UnsetEntry
from worker.accounts.edit.event_form import EventForm, TagRow, default_value, form_of, problems_of, value_of
from worker.accounts.edit.rule_form import GIVEN, HOW, NOT_GIVEN, RuleRow
from worker.accounts.file.source import read_yaml
from worker.accounts.saving import read_exactly, sha256_of
from worker.errors import CannotSave
from worker.handlers import HANDLERS
from worker.mapping.words import COMPARED, in_words, text_of
from worker.page.answers import refusal, render
from worker.page.proposal import Fault, Form, Proposal, Refused, form_in
from worker.page.request import number_in, site_of, visitor_of
from worker.page.typing_aids import typing_aids
from worker.page.views.review import reviewed

MOST_MORE: Final = 50
"""How often somebody may ask for more rows."""
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
AS_TEXT: Final = "This event is written in a way that a form cannot hold. Edit it as text."

Does = Literal["this", "nothing", "default"]


@dataclass(frozen=True, slots=True)
class Filled:
    """A form about an event, as somebody has it before them.

    Attributes:
        kind: The event's type.
        does: `this` for what stands in the form, `nothing`, or `default` where the file is to say nothing.
        form: What stands there.
        was: What the file said when the form was made, or what is so by default.
        is_there: Whether the file said it.
        read: The SHA-256 of that file.
        more: How many rows somebody has asked for besides.
    """

    kind: str
    does: Does
    form: EventForm
    was: dict[str, Any]
    is_there: bool
    read: str
    more: int = 0

    @property
    def value(self) -> dict[str, Any]:
        """What the file is to say."""
        return value_of(self.form, self.was)


async def show(request: web.Request) -> web.StreamResponse:
    """Show the form for one event type, or for one that is to be named."""
    if not visitor_of(request).may_change:
        return refusal(request, 403, "You may look, and change nothing.")
    try:
        filled = await _of_file(request, request.query.get("event", "").strip())
    except CannotSave as error:
        return refusal(request, 503, f"{error}.")
    if filled is None:
        return refusal(request, 409, AS_TEXT)
    return await _shown(request, filled)


async def change(request: web.Request) -> web.StreamResponse:
    """Take what somebody has filled in: show what it would change, or save it."""
    form = await form_in(request)
    filled = _filled(form)
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
    return [str(tag) for tags in lists if isinstance(tags, list) for tag in tags]


def _edit(filled: Filled) -> Edit:
    if filled.does == "default":
        return UnsetEntry("events", filled.kind)
    return SetEntry("events", filled.kind, filled.value if filled.does == "this" else None)


def _notes(filled: Filled) -> tuple[str, ...]:
    """Return what goes with a choice, so that nothing that was filled in is ignored in silence."""
    named = ", ".join(_tags(filled.was)) or ", ".join(filled.was)
    if filled.does == "this" or not filled.is_there or not named:
        return ()
    return (DROPPED.format(kind=filled.kind, what=named),)


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


# -- what somebody has filled in ---------------------------------------------------------------------------


def _filled(form: Form) -> Filled | None:
    try:
        was = json.loads(form.get("was", "{}"))
    except ValueError:
        return None
    before = form_of(was) if isinstance(was, dict) else None
    does = form.get("does", "this")
    if before is None or does not in {"this", "nothing", "default"}:
        return None
    typed = EventForm(
        adds=tuple(_tag_rows(form, "add", before.adds)),
        removes=tuple(_tag_rows(form, "remove", before.removes)),
        rules=tuple(_rule_rows(form, before.rules)),
        when=form.get("at").strip(),
        existing_only="existing" in form,
        unsubscribes="unsubscribes" in form,
        kept=before.kept,
    )
    more = number_in(form.get("more")) or 0
    there, read = form.get("there") == "yes", form.get("read")
    return Filled(form.get("event").strip(), does, typed, was, there, read, min(more, MOST_MORE))  # type: ignore[arg-type]  # it is looked at above


def _tag_rows(form: Form, name: str, before: tuple[TagRow, ...]) -> list[TagRow]:
    places = form.all(f"{name}.at")
    columns = [form.all(f"{name}.{each}") for each in ("tag", "until", "group")]
    rows = []
    for number, place in enumerate(places):
        at = number_in(place)
        if at is not None and at < len(before) and before[at].kept:
            rows.append(before[at])
        else:
            texts = [column[number].strip() if number < len(column) else "" for column in columns]
            rows.append(TagRow(at, *texts))
    return [row for row in rows if row.tag or row.until or row.group or row.kept]


def _rule_rows(form: Form, before: tuple[RuleRow, ...]) -> list[RuleRow]:
    rows = []
    for number, place in enumerate(form.all("rule.at")):
        at = number_in(place)
        if at is not None and at < len(before) and before[at].kept:
            rows.append(before[at])
            continue
        prefix = f"rule{number}"
        how = form.get(f"{prefix}.how", "is")
        values, adds, removes = (_texts(form, f"{prefix}.{each}") for each in ("value", "add", "remove"))
        row = RuleRow(
            at, form.get(f"{prefix}.name").strip(), how if how in HOW else "is", values, adds, removes
        )
        has_more = at is not None and at < len(before) and before[at].has_more
        rows.append(replace(row, is_gone=f"{prefix}.gone" in form, has_more=has_more))
    return [row for row in rows if row.says_something or row.kept]


def _texts(form: Form, name: str) -> tuple[str, ...]:
    return tuple(filter(None, (each.strip() for each in form.all(name))))


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
        "removes": [*form.removes, *[TagRow(None, "")] * (1 + more)],
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
