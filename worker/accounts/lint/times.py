"""Rules about moments: when an event takes effect, when a tag ends, and dates in fields."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from worker.accounts.file.source import YamlPath
from worker.accounts.file.values import shown
from worker.accounts.lint.facts import Facts
from worker.accounts.lint.fields import place
from worker.accounts.lint.finding import LintRule, Suspicion
from worker.handlers import HANDLERS
from worker.handlers.base import ENDING, PLATFORM_FIELDS, TIMES, path_of
from worker.mapping import FieldTarget

_PAST: Final = frozenset(path_of(handler.happened_at) for handler in HANDLERS.values())
"""The paths of what has happened by the time at which the event tells it."""
_DATE: Final = re.compile(r"(?i)(.*[\W_])?(on|date|day)")
"""A label that promises a date: Cancelled on, Renewal date."""


def _moments(facts: Facts) -> Iterator[tuple[str, str, YamlPath]]:
    """Yield each value of which the moment is taken: what for, its name, and where that stands."""
    file = facts.file
    for block in file.blocks:
        if block.mapping.at and not block.number:
            yield "at", block.mapping.at, (*block.path, "at")
    for tag in file.added:
        if tag.template.until:
            yield "until", tag.template.until, (*tag.path, "until")


def _fields(facts: Facts) -> Iterator[tuple[FieldTarget, YamlPath]]:
    """Yield the entries of `fields` and `kit_fields`, and where each stands."""
    for target in facts.file.account.fields:
        if len(path := place(facts, target)) > 1:
            yield target, path


def _no_time(facts: Facts) -> Iterator[Suspicion]:
    for word, name, path in _moments(facts):
        if _is_no_time(name):
            comes = "no event" if word == "at" else "the tag is never given, and no event"
            said = f"{name} is no time, so {comes} can be applied as a whole"
            yield Suspicion(path, said, f"name a time, such as {_likely(name)}")
    for target, path in _fields(facts):
        if target.format and (names := [name for name in target.sources if _is_no_time(name)]):
            said = f"{names[0]} is no time, so it has no date, and events that have it become dead letters"
            yield Suspicion(path, said, "delete format, or name a time")


def _is_no_time(name: str) -> bool:
    path = path_of(name)
    return path in PLATFORM_FIELDS.values() and path not in TIMES


def _likely(name: str) -> str:
    about = path_of(name).partition(".")[0]
    ends = [
        each for each, path in PLATFORM_FIELDS.items() if path in TIMES - _PAST and path.startswith(about)
    ]
    return ends[0] if ends else "mk_subscription_ends_at"


def _past(facts: Facts) -> Iterator[Suspicion]:
    for word, name, path in _moments(facts):
        if path_of(name) in _PAST:
            said = f"{name} lies in the past when the event comes"
            comes = "so at changes nothing" if word == "at" else "so the tag is over before it is given"
            yield Suspicion(path, f"{said}, {comes}", f"name a time that lies ahead, such as {_likely(name)}")


def _at_without_closes(facts: Facts) -> Iterator[Suspicion]:
    for block in facts.file.blocks:
        at = block.mapping.at
        if not block.number and path_of(at) in ENDING and not block.mapping.lifecycle:
            said = (
                f"{block.kind} waits for {at} and closes no subscription, so it takes effect also for those "
                "who have started again by then"
            )
            yield Suspicion((*block.path, "at"), said, "add closes: subscription")


def _dates_in_utc(facts: Facts) -> Iterator[Suspicion]:
    dated = [path for target, path in _fields(facts) if target.format == "date"]
    if dated and not facts.file.is_listed(("options", "timezone")):
        said = "dates are written as in UTC, since no time zone is named: an evening may be the next day"
        yield Suspicion(
            dated[0], said, "add to options, for example, timezone: Europe/Berlin, or UTC if it is meant"
        )


def _no_format(facts: Facts) -> Iterator[Suspicion]:
    for target, path in _fields(facts):
        is_time = all(path_of(name) in TIMES for name in target.sources)
        if is_time and target.format is None and _DATE.fullmatch(target.target.strip()):
            said = f'"{shown(target.target)}" gets a time such as 2027-01-31T12:00:00Z, not a date'
            yield Suspicion(path, said, "add format: date")


RULES: Final = (
    LintRule("not-a-time", "a moment or date of a value that is no time", _no_time),
    LintRule("moment-already-past", "a moment that has passed when the event comes", _past),
    LintRule("at-without-closes", "an event that waits for an end and closes nothing", _at_without_closes),
    LintRule("dates-in-utc", "dates without a time zone", _dates_in_utc),
    LintRule("date-without-format", "a field for a date that gets a time", _no_format),
)
