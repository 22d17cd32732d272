"""Gives what an event asks for, and what is known by it, the place at which it came first. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from worker.events.event import OrderKey
from worker.subscribers.change import Change
from worker.subscribers.fact import Facts
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart

T = TypeVar("T")


class Placing(NamedTuple):
    """Where an event was taken to be among the others, and where it is."""

    before: OrderKey
    now: OrderKey

    def change(self, asked: Change) -> Change:
        """Return a change in which all that the event asks for has its place."""
        return replace(
            asked,
            tags=self._parts(asked.tags),
            fields=self._parts(asked.fields),
            first_name=self._if_any(asked.first_name),
            ensure=self._if_any(asked.ensure),
            gave=self._parts(asked.gave),
            creates=self._if_any(asked.creates),
            tags_off=self._if_any(asked.tags_off),
            fields_off=self._if_any(asked.fields_off),
            unsubscribe=self._if_any(asked.unsubscribe),
            facts=tuple(replace(fact, order=self.order(fact.order)) for fact in asked.facts),
            agreed=frozenset(map(self.order, asked.agreed)),
            known=frozenset(map(self.order, asked.known)),
        )

    def record(self, record: Record) -> None:
        """Give all that a record knows by the event its place; of facts see `place_anew`."""
        record.tags, record.fields = self._known(record.tags), self._known(record.fields)
        record.gave = self._parts(record.gave)
        record.base, record.owed = self.change(record.base), self.change(record.owed)
        if (name := record.first_name) is not None:
            record.first_name = replace(name, part=self._part(name.part))
        record.tags_off, record.fields_off = self._if_any(record.tags_off), self._if_any(record.fields_off)
        record.unsubscribed = self._if_any(record.unsubscribed)
        record.ensured = self.order(record.ensured)
        record.held = {key: replace(held, order=self.order(held.order)) for key, held in record.held.items()}

    def order(self, order: OrderKey) -> OrderKey:
        """Return a place, unless it is the event's: then where that is."""
        return self.now if order == self.before else order

    def _parts(self, parts: Mapping[str, Part[T]]) -> dict[str, Part[T]]:
        return {name: self._part(part) for name, part in parts.items()}

    def _known(self, known: Mapping[str, KnownPart[T]]) -> dict[str, KnownPart[T]]:
        return {name: replace(one, part=self._part(one.part)) for name, one in known.items()}

    def _part(self, part: Part[T]) -> Part[T]:
        return Part(part.value, self.order(part.order))

    def _if_any(self, part: Part[T] | None) -> Part[T] | None:
        return None if part is None else self._part(part)


def place_anew(record: Record, facts: Facts) -> None:
    """Have a record know its facts in other places, and all that it knows by them."""
    for placing in _moved_earlier(record.facts, facts):
        placing.record(record)
    record.facts, record.settled = facts, False


def _moved_earlier(known: Facts, facts: Facts) -> Iterator[Placing]:
    before = {fact.key: fact.order for fact in known}
    for fact in facts:
        if (was := before.get(fact.key, fact.order)) > fact.order:
            yield Placing(was, fact.order)
