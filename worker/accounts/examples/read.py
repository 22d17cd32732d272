"""Reads a file of examples: its text becomes events and what is then to be so, or all that is wrong. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from worker.accounts.examples.events import EventReader
from worker.accounts.examples.example import (
    ExampleFile,
    ExamplePerson,
    ExampleTest,
    Expected,
    ExpectedDead,
    ExpectedDue,
)
from worker.accounts.examples.values import ExampleValues
from worker.accounts.file.faults import is_unreadable, problems_in, source_of
from worker.accounts.file.source import FileFault, Source, YamlPath
from worker.accounts.file.syntax_errors import START
from worker.errors import Reason

FILE_KEYS: Final = ("account", "tests")
TEST_KEYS: Final = ("name", "events", "then")
THEN_KEYS: Final = ("at", "person", "tags", "has_tags", "not_tags", "fields", "state", "due", "dead")
STATES: Final = ("active", "inactive", "unsubscribed", "nobody")
REASONS: Final = tuple(reason.value for reason in Reason)

_FILE: Final = "lines such as account: sunny-kitchen, and tests: with a list below"
_TEST: Final = "a test, with name:, events: and then:"
_EVENTS: Final = "events, such as - {at: 2027-01-01, type: user.signed_up}"
_THEN: Final = "what is then so, such as tags: [Active Member]"
_TAG: Final = "a tag's name"


def read_examples(text: str, path: Path) -> ExampleFile:
    """Return what a file of examples says; what is wrong with it is part of the answer, whatever the text."""
    source, faults = source_of(text)
    found = ExampleFile(path, path.stem)
    if not is_unreadable(source):
        found = _read(source, path, faults)
    problems = tuple(problems_in(path, faults))
    return replace(found, examples=(), problems=problems) if problems else found


def _read(source: Source, path: Path, faults: list[FileFault]) -> ExampleFile:
    values = ExampleValues(source)
    if source.data is None and not source.broken:
        faults.append(FileFault(START, (), "the file is empty; begin with tests: and a list below it"))
        return ExampleFile(path, path.stem)
    top = values.spelled((), FILE_KEYS, _FILE)
    account = values.text(("account",), "an account's name, as its file is named") if "account" in top else ""
    examples: tuple[ExampleTest, ...] = ()
    if "tests" in top:
        paths = values.paths(("tests",), "tests, each beginning with - name:", few=1)
        examples = tuple(_example(values, each, source) for each in paths)
    elif top:
        values.fault((), "tests: is missing; it holds a list of tests, each beginning with - name:")
    faults += values.faults
    return ExampleFile(path, account or path.stem, source.spot(("account",)), examples)


def _example(values: ExampleValues, path: YamlPath, source: Source) -> ExampleTest:
    keys = values.spelled(path, TEST_KEYS, _TEST)
    for key in TEST_KEYS:
        if keys and key not in keys:
            values.fault(path, f"{key}: is missing; {_TEST}")
    name = values.text((*path, "name"), "what the test is about, as text") if "name" in keys else ""
    events = EventReader(values)
    if "events" in keys:
        for each in values.paths((*path, "events"), _EVENTS, few=1):
            events.read(each)
    then = [_expected(values, each, events, source) for each in _looks(values, path) if "then" in keys]
    return ExampleTest(source.spot(path), name, tuple(events.found), tuple(_in_time(values, path, then)))


def _looks(values: ExampleValues, path: YamlPath) -> Iterable[YamlPath]:
    then = (*path, "then")
    if isinstance(values.at(then), list):
        return values.paths(then, _THEN, few=1)
    return [then]


def _in_time(values: ExampleValues, path: YamlPath, then: Sequence[Expected]) -> Sequence[Expected]:
    """Return what is expected: in order of time, and last what is looked at in the end."""
    times = [each.at for each in then]
    dated = [at for at in times if at is not None]
    if dated != sorted(dated) or None in times[: len(dated)]:
        values.fault((*path, "then"), "must be in order of time: what has no at: is looked at last")
    return then


# -- what is to be so --------------------------------------------------------------------------------------


def _expected(values: ExampleValues, path: YamlPath, events: EventReader, source: Source) -> Expected:
    keys = values.spelled(path, THEN_KEYS, _THEN)
    if keys and keys.keys() <= {"at", "person"}:
        values.fault(path, f"says nothing; write {_THEN}")
    if "tags" in keys and {"has_tags", "not_tags"} & keys.keys():
        values.fault((*path, "tags"), "are all tags; has_tags and not_tags go without it", key=True)
    return Expected(
        source.spot(path),
        _whom(values, path, events, is_named="person" in keys),
        values.moment((*path, "at")) if "at" in keys else None,
        tags=_tags(values, (*path, "tags")) if "tags" in keys else None,
        has_tags=_tags(values, (*path, "has_tags")) if "has_tags" in keys else (),
        not_tags=_tags(values, (*path, "not_tags")) if "not_tags" in keys else (),
        fields=_fields(values, (*path, "fields")) if "fields" in keys else {},
        state=values.choice((*path, "state"), STATES) if "state" in keys else "",
        due=_due(values, (*path, "due"), len(events.found)) if "due" in keys else None,
        dead=_dead(values, (*path, "dead"), len(events.found)) if "dead" in keys else None,
    )


def _whom(values: ExampleValues, path: YamlPath, events: EventReader, *, is_named: bool) -> ExamplePerson:
    people = events.people
    if not is_named:
        if len(people) > 1:
            values.fault(path, f"say whose it is: person: {next(iter(people))}, or another one")
        return next(iter(people.values()), ExamplePerson(""))
    name = values.text((*path, "person"), "a person's name or address")
    if name and "@" not in name and name not in people:
        values.fault((*path, "person"), f"no event is about {name}{_one_of(people)}")
    return people.get(name) or ExamplePerson(name)


def _one_of(people: Iterable[str]) -> str:
    return f"; there is {', '.join(people)}"


def _tags(values: ExampleValues, path: YamlPath) -> tuple[str, ...]:
    return tuple(values.text(each, _TAG) for each in values.paths(path, "tags, such as [Active Member]"))


def _fields(values: ExampleValues, path: YamlPath) -> dict[str, str | None]:
    named = values.table(path, "a custom field's name and its value, such as {Plan: Annual}")
    return {name: values.field((*path, name)) for name in named}


def _due(values: ExampleValues, path: YamlPath, events: int) -> tuple[ExpectedDue, ...]:
    found = []
    for each in values.paths(path, "times, such as - {at: 2027-03-01, what: tag Cancelled}"):
        if not isinstance(values.at(each), dict):
            keys, at = {}, values.moment(each)
        else:
            keys = values.spelled(each, ("at", "event", "what"), "at: and a time")
            at = values.moment((*each, "at"))
        number = values.number((*each, "event"), events, "an event") if "event" in keys else 0
        what = values.one_or_more((*each, "what")) if "what" in keys else []
        texts = tuple(values.text(part, "what is done, such as tag Cancelled") for part in what)
        found += [ExpectedDue(at, number, texts)] if at else []
    return tuple(found)


def _dead(values: ExampleValues, path: YamlPath, events: int) -> tuple[ExpectedDead, ...]:
    found = []
    for each in values.paths(path, "events, such as - {event: 2, reason: partly_applied}"):
        if not isinstance(values.at(each), dict):
            found.append(ExpectedDead(values.number(each, events, "an event")))
            continue
        keys = values.spelled(each, ("event", "reason"), "event: and its number")
        reason = values.choice((*each, "reason"), REASONS) if "reason" in keys else ""
        found.append(ExpectedDead(values.number((*each, "event"), events, "an event"), reason))
    return tuple(found)
