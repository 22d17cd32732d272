"""Whether an example holds: what is to be so beside what is, and which event and rule made it so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from worker.accounts.examples.example import ExamplePerson, Expected, ExpectedDue
from worker.events.event import FIRST, OrderKey
from worker.events.values import time_text
from worker.mapping import FIRST_NAME
from worker.ops.simulation import HowEnded, Simulation
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import Kind
from worker.subscribers.parts import Part, TagWish, tag_key
from worker.subscribers.record import Record

NOBODY: Final = "nobody"
MISSING: Final = "-"
UNEXPECTED: Final = "+"


class Unlike(NamedTuple):
    """One line of what is otherwise than it is to be.

    Attributes:
        sign: `-` for what is to be so and is not, `+` for what is so and is not to be.
        what: Such as `tag Cancelled`.
        why: Which event and rule made it so; empty where none did.
    """

    sign: str
    what: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class CameOf:
    """What came of an example's events so far.

    Attributes:
        numbers: Of the events, by their order.
        heard: By an event's number, how it ended last.
        lines: By event type and rule, as the record numbers them, where that stands in the account's file.
        told_dead: The events that the example says anywhere to be dead letters.
    """

    numbers: dict[OrderKey, int] = field(default_factory=dict)
    heard: dict[int, HowEnded] = field(default_factory=dict)
    lines: Mapping[tuple[str, int], str] = field(default_factory=dict)
    told_dead: frozenset[int] = frozenset()

    def note(self, heard: HowEnded, number: int | None = None) -> None:
        """Note how an event ended; without its number, one that was due, which leaves a dead letter one."""
        if number is not None:
            if heard.event is not None:
                self.numbers.setdefault(heard.event.order, number)  # a copy has the place of the first
            self.heard[number] = heard
            return
        first = 0 if heard.event is None else self.numbers.get(heard.event.order, 0)
        if first and self.heard[first].kind is not Kind.DEAD_LETTERED:
            self.heard[first] = heard

    def cause(self, order: OrderKey, rule: int = 0) -> str:
        """Return which event made something so, and which rule; empty where none did."""
        number = self.numbers.get(order, 0)
        heard = self.heard.get(number)
        if heard is None or heard.event is None:
            return ""
        kind = heard.event.type
        said = [f"event {number}", kind, *([f"rule {rule}"] if rule else [])]
        return ", ".join([*said, *filter(None, [self.lines.get((kind, rule), "")])])


def differences(expected: Expected, simulation: Simulation, came: CameOf, app: str | None) -> list[Unlike]:
    """Return what is otherwise than it is to be, at the moment that it is in a simulation.

    Args:
        expected: What is to be so.
        simulation: What is so.
        came: What came of the events that the simulation has heard.
        app: Within which the people's ids are.
    """
    record = _person(expected.whom, simulation, app)
    return [
        *_state(expected, record, simulation),
        *_tags(expected, record, came),
        *_fields(expected, record, simulation, came),
        *_due(expected, simulation.due, came),
        *_dead(expected, came),
    ]


def _person(whom: ExamplePerson, simulation: Simulation, app: str | None) -> Record | None:
    """Return what is known of somebody; None where Kit has nobody of that id or address."""
    record = simulation.known_by(whom.id, app) if whom.id else None
    record = record or simulation.at(whom.email)
    return record if record is not None and simulation.state_of(record) else None


def _state(expected: Expected, record: Record | None, simulation: Simulation) -> Iterator[Unlike]:
    state = NOBODY if record is None else simulation.state_of(record)
    asks = expected.tags or expected.has_tags or any(value is not None for value in expected.fields.values())
    if expected.state not in {"", state}:
        yield Unlike(MISSING, f"state {expected.state}")
        yield Unlike(UNEXPECTED, f"state {state}")
    elif record is None and asks:
        yield Unlike(UNEXPECTED, f"state {NOBODY}", f"Kit has nobody of {expected.whom.email}")


# -- tags and fields ---------------------------------------------------------------------------------------


def _tags(expected: Expected, record: Record | None, came: CameOf) -> Iterator[Unlike]:
    known = {} if record is None else {key: tag.part for key, tag in record.tags.items()}
    has = {key: part for key, part in known.items() if part.value.present}
    for name in (*(expected.tags or ()), *expected.has_tags):
        if tag_key(name) not in has:
            yield Unlike(MISSING, f"tag {name}", _told("taken off by", known.get(tag_key(name)), came))
    unwanted = set(map(tag_key, expected.not_tags))
    if expected.tags is not None:
        unwanted = has.keys() - set(map(tag_key, expected.tags))
    for key in sorted(unwanted & has.keys()):
        yield Unlike(UNEXPECTED, f"tag {has[key].value.name}", _told("given by", has[key], came))


def _fields(
    expected: Expected, record: Record | None, simulation: Simulation, came: CameOf
) -> Iterator[Unlike]:
    for name, value in expected.fields.items():
        part = _field(name, record, simulation)
        found = None if part is None else part.value
        if found == value:
            continue
        why = _told("cleared by" if found is None else "set by", part, came)
        if value is not None:
            yield Unlike(MISSING, f"field {name}: {value}", why if found is None else "")
        if found is not None:
            yield Unlike(UNEXPECTED, f"field {name}: {found}", why)


def _field(name: str, record: Record | None, simulation: Simulation) -> Part[Any] | None:
    if record is None:
        return None
    if name == FIRST_NAME:
        order = record.first_name.part.order if record.first_name else FIRST
        return Part(simulation.first_name_of(record) or None, order)
    known = next((each for key, each in record.fields.items() if key.lower() == name.lower()), None)
    return None if known is None else known.part


def _told(verb: str, part: Part[Any] | None, came: CameOf) -> str:
    if part is None:
        return ""
    rule = part.value.rule if isinstance(part.value, TagWish) else 0
    cause = came.cause(part.order, rule)
    return f"{verb} {cause}" if cause else ""


# -- what is due, and what is dead -------------------------------------------------------------------------


def _due(expected: Expected, due: Iterable[DueEffect], came: CameOf) -> Iterator[Unlike]:
    if expected.due is None:
        return
    left = list(due)
    numbers: dict[str | None, int] = {}
    for number, heard in sorted(came.heard.items()):
        if heard.event is not None:
            numbers.setdefault(heard.event.id, number)  # of copies the first
    for each in expected.due:
        match = next((one for one in left if _is_meant(each, one, numbers)), None)
        if match is None:
            yield Unlike(MISSING, _due_text(each))
        else:
            left.remove(match)
    for one in left:
        number = numbers.get(one.event_id, 0)
        at = time_text(datetime.fromtimestamp(one.at, UTC))
        yield Unlike(UNEXPECTED, f"due {at}: {one.what}", f"by event {number}, {one.event_type}")


def _is_meant(expected: ExpectedDue, due: DueEffect, numbers: Mapping[str | None, int]) -> bool:
    parts = {_plain(part) for part in due.what.split(", ")}
    return (
        expected.at.timestamp() == due.at
        and expected.event in {0, numbers.get(due.event_id)}
        and all(_plain(part) in parts for what in expected.what for part in what.split(", "))
    )


def _plain(what: str) -> str:
    return what.strip().replace("'", "").replace('"', "").lower()


def _due_text(expected: ExpectedDue) -> str:
    what = f": {', '.join(expected.what)}" if expected.what else ""
    by = f", by event {expected.event}" if expected.event else ""
    return f"due {time_text(expected.at)}{what}{by}"


def _dead(expected: Expected, came: CameOf) -> Iterator[Unlike]:
    """Yield dead letters that are not as they are to be; of which nothing is said, they are not to be."""
    dead = {number: each for number, each in came.heard.items() if each.kind is Kind.DEAD_LETTERED}
    meant = {each.event: each.reason for each in expected.dead or ()}
    for number, reason in meant.items():
        if number not in dead or reason not in {"", dead[number].reason}:
            yield Unlike(MISSING, f"dead letter: event {number}{f' ({reason})' if reason else ''}")
    others = came.told_dead if expected.dead is None else frozenset[int]()
    for number, each in sorted(dead.items()):
        if number not in others and meant.get(number, UNEXPECTED) not in {"", each.reason}:
            yield Unlike(UNEXPECTED, f"dead letter: event {number} ({each.reason})", each.said)
