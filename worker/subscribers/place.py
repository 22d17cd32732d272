"""Gives what is known by an event the place at which it came first, once that is known. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from worker.events.event import OrderKey
from worker.subscribers.change import Change
from worker.subscribers.fact import Facts
from worker.subscribers.parts import Part
from worker.subscribers.record import KnownPart, Record

T = TypeVar("T")


class _Placed(NamedTuple):
    """Where something was known to be, and where it is."""

    before: OrderKey
    now: OrderKey

    def part(self, part: Part[T] | None) -> Part[T] | None:
        return Part(part.value, self.now) if part is not None and part.order == self.before else part

    def parts(self, parts: Mapping[str, Part[T]]) -> dict[str, Part[T]]:
        return {name: self.part(part) or part for name, part in parts.items()}

    def known(self, known: Mapping[str, KnownPart[T]]) -> dict[str, KnownPart[T]]:
        return {name: replace(one, part=self.part(one.part) or one.part) for name, one in known.items()}

    def change(self, change: Change) -> Change:
        return replace(
            change,
            tags=self.parts(change.tags),
            fields=self.parts(change.fields),
            first_name=self.part(change.first_name),
            gave=self.parts(change.gave),
            tags_off=self.part(change.tags_off),
            fields_off=self.part(change.fields_off),
            unsubscribe=self.part(change.unsubscribe),
        )


def place_anew(record: Record, facts: Facts) -> None:
    """Give what a record knows by its facts their places among those that are known by now."""
    for placed in _moved(record.facts, facts):
        record.tags, record.fields = placed.known(record.tags), placed.known(record.fields)
        record.gave, record.base, record.owed = (
            placed.parts(record.gave),
            placed.change(record.base),
            placed.change(record.owed),
        )
        if record.first_name is not None:
            name = record.first_name.part
            record.first_name = replace(record.first_name, part=placed.part(name) or name)
        record.tags_off, record.fields_off = placed.part(record.tags_off), placed.part(record.fields_off)
        record.unsubscribed = placed.part(record.unsubscribed)
        if record.ensured == placed.before:
            record.ensured = placed.now


def _moved(known: Facts, facts: Facts) -> Iterator[_Placed]:
    before = {fact.key: fact.order for fact in known}
    for fact in facts:
        if (was := before.get(fact.key, fact.order)) != fact.order:
            yield _Placed(was, fact.order)
