"""What an event does, as a form of the page has it: tags, a moment, rules with one condition each. Pure.

A form cannot say all that a file can. What it does not know stays as it stands, at its place, and is named.
Values are plain, as `SetEntry` takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from worker.accounts.edit.rule_form import RuleRow, named, row_of_rule, rule_of, sayable
from worker.mapping import EventMapping

Plain: TypeAlias = Mapping[str, Any]

_KNOWN: Final = ("add_tags", "remove_tags", "rules", "at", "create", "unsubscribe")


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag to add, or to take off.

    Attributes:
        at: Its place in the file's list; None where it is new.
        tag: Its name; empty to take the row out.
        until: The name of the value that says when it is taken off again.
        group: The group of which people have one tag at a time.
        kept: What the file says there, where a form cannot say it; it stays, and the rest here is empty.
    """

    at: int | None
    tag: str
    until: str = ""
    group: str = ""
    kept: str = ""


@dataclass(frozen=True, slots=True)
class EventForm:
    """What an event does, as a form has it.

    Attributes:
        adds: Tags to add.
        removes: Tags to take off.
        rules: What is done under a condition.
        when: The name of the value that says when the event takes effect; empty: at once.
        existing_only: Whether only people are meant whom Kit has.
        unsubscribes: Whether the person gets no more mail.
        kept: The keys of the file that a form does not know.
    """

    adds: tuple[TagRow, ...] = ()
    removes: tuple[TagRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    when: str = ""
    existing_only: bool = False
    unsubscribes: bool = False
    kept: tuple[str, ...] = ()


def default_value(mapping: EventMapping | None) -> dict[str, Any]:
    """Return what a file would say that an event does by default."""
    if mapping is None:
        return {}
    base = mapping.base
    lists = {
        "add_tags": [each.text for each in base.add_tags],
        "remove_tags": [each.text for each in base.remove_tags],
    }
    return {name: tags for name, tags in lists.items() if tags}


def form_of(value: object) -> EventForm | None:
    """Return an event of a file as a form; None where only a person can edit it, as text."""
    if value is None:
        return EventForm()
    if not isinstance(value, Mapping) or not _is_plain(value) or not _has_plain_ends(value):
        return None
    takes_all_off = value.get("remove_tags") == "all"
    adds, rules = (value.get(name) or [] for name in ("add_tags", "rules"))
    removes = [] if takes_all_off else value.get("remove_tags") or []
    if not all(isinstance(each, list) for each in (adds, removes, rules)):
        return None
    unknown = [name for name in value if name not in _KNOWN]
    unknown += ["remove_tags"] if takes_all_off else []
    unknown += ["create"] if value.get("create") is True else []
    return EventForm(
        adds=tuple(_added(at, each) for at, each in enumerate(adds)),
        removes=tuple(_removed(at, each) for at, each in enumerate(removes)),
        rules=tuple(row_of_rule(at, each) for at, each in enumerate(rules)),
        when=str(value.get("at") or ""),
        existing_only=value.get("create") is False,
        unsubscribes=value.get("unsubscribe") is True,
        kept=tuple(unknown),
    )


def _is_plain(value: object) -> bool:
    """Tell whether all of a value is what it looks like; YAML's `no` and `1.50` are not."""
    if isinstance(value, Mapping):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, str | bool | int | float)


def _has_plain_ends(value: Plain) -> bool:
    """Tell whether what is no list is what a form has for it."""
    switches = [value.get(name) for name in ("create", "unsubscribe")]
    return all(each in (None, True, False) for each in switches) and (
        value.get("at") is None or sayable(value["at"])
    )


def _added(at: int, said: object) -> TagRow:
    if sayable(said):
        return TagRow(at, str(said))
    is_tag = isinstance(said, Mapping) and "tag" in said and said.keys() <= {"tag", "until", "replaces"}
    if isinstance(said, Mapping) and is_tag and all(map(sayable, said.values())):
        return TagRow(at, said["tag"], said.get("until", ""), said.get("replaces", ""))
    return TagRow(at, "", kept=named(said))


def _removed(at: int, said: object) -> TagRow:
    return TagRow(at, str(said)) if sayable(said) else TagRow(at, "", kept=named(said))


def value_of(form: EventForm, was: Plain) -> dict[str, Any]:
    """Return what a file says by a form; what the form does not know is as it was.

    Args:
        form: As somebody has filled it in.
        was: What the file said when the form was made.
    """
    value = dict(was)
    if value.get("remove_tags") != "all":
        _put(value, "remove_tags", _listed(form.removes, was.get("remove_tags"), _removal))
    _put(value, "add_tags", _listed(form.adds, was.get("add_tags"), _addition))
    _put(value, "rules", _rules(form.rules, was.get("rules")))
    _put(value, "at", form.when)
    _put(value, "unsubscribe", form.unsubscribes)
    if form.existing_only:
        value["create"] = False
    elif was.get("create") is False:
        del value["create"]
    return value


def _put(value: dict[str, Any], name: str, said: object) -> None:
    """Let a key have a value; one that says nothing goes, unless it said nothing before."""
    if said:
        value[name] = said
    elif value.get(name):
        del value[name]


def _listed(rows: Iterable[TagRow], was: Any, made: Any) -> list[object]:  # noqa: ANN401 - of any kind
    before: Sequence[Any] = was if isinstance(was, list) else ()
    found = list[object]()
    for row in rows:
        there = before[row.at] if row.at is not None and row.at < len(before) else None
        if row.kept:
            found += [there]
        elif row.tag.strip():
            found.append(made(row, there))
    return found


def _removal(row: TagRow, there: object) -> object:
    return there if there == row.tag else row.tag.strip()


def _addition(row: TagRow, there: object) -> object:
    if there is not None and row.at is not None and _added(row.at, there) == row:
        return there
    more = {"replaces": row.group.strip(), "until": row.until.strip()}
    said = {name: text for name, text in more.items() if text}
    return {"tag": row.tag.strip(), **said} if said else row.tag.strip()


def _rules(rows: Iterable[RuleRow], was: Any) -> list[object]:  # noqa: ANN401 - of any kind
    before: Sequence[Any] = was if isinstance(was, list) else ()
    found = list[object]()
    for row in rows:
        there = before[row.at] if row.at is not None and row.at < len(before) else None
        if row.kept:
            found += [there]
        elif not row.is_gone and row.says_something:
            found.append(rule_of(row, there))
    return found


def problems_of(form: EventForm) -> list[str]:
    """Return what is missing in a form, for people; the rest the loader says."""
    rules = [row for row in form.rules if row.says_something and not row.is_gone and not row.kept]
    ends = [row.until or row.group for row in form.adds if not row.tag.strip() and row.at is None]
    found = [f"a row has {each} and no tag; write one, or clear the row" for each in ends if each]
    found += [
        f"the rule that adds or takes off {', '.join((*row.adds, *row.removes))} has no condition"
        for row in rules
        if not row.name.strip()
    ]
    found += [
        f"the rule about {row.name} adds and takes off no tag; write one, or take the rule out"
        for row in rules
        if row.name.strip() and not (row.adds or row.removes or row.has_more)
    ]
    return found + [
        f"the rule about {row.name} compares it with nothing; write a value"
        for row in rules
        if row.name.strip() and not row.values and row.needs_values
    ]
