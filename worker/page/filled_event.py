"""A form about one event, as somebody has it before them, and as they send it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from worker.accounts.edit.event_form import EventForm, TagRow, form_of, value_of
from worker.accounts.edit.rule_form import HOW, RuleRow
from worker.events.json_body import lenient_json
from worker.page.proposal import Form
from worker.page.request import number_in

MOST_MORE: Final = 50
"""How often somebody may ask for more rows."""

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


def filled_in(form: Form) -> Filled | None:
    """Return a form as somebody has filled it in; None where it is none of ours."""
    try:
        was = lenient_json(form.get("was", "{}"))
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
