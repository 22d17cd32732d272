"""What would become of a person's rows, one after another, by all that is known. Pure.

The worker's own functions decide, on copies of what the ledger knows; nobody is asked anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from worker.ops.in_kit import JUST_CREATED, SeenInKit
from worker.ops.person_impact import PersonImpact
from worker.ops.rehearsal import Rehearsal, Rehearsed
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber


@dataclass(frozen=True, slots=True)
class RowEnd:
    """How a row would end.

    Attributes:
        number: Of the row, as it was given.
        why: For people; empty where there is nothing to say.
    """

    number: int
    kind: Kind
    why: str = ""


@dataclass(frozen=True, slots=True)
class PersonEnd:
    """What one person would have otherwise.

    Attributes:
        is_new: Whether the ledger knows of nobody in Kit there, and somebody would be created or found.
        newly: The tags that would be put on, by name, each as often: one that goes off again, too.
        depends: Whether all that is so only if Kit has somebody there, as the rows create nobody.
        values: Of the custom fields that would have another one; not of those that would have none.
        first_name: That Kit would be told; empty where it would be told none.
    """

    email: str
    impact: PersonImpact
    is_new: bool
    newly: tuple[str, ...]
    depends: bool
    values: Mapping[str, str] = field(default_factory=dict)
    first_name: str = ""


@dataclass(slots=True)
class _Touched:
    """Somebody whom rows are about.

    Attributes:
        before: The record before any of them.
        newly: The tags that were put on.
        calls: To Kit, each once, as folding makes it.
    """

    before: Record
    newly: list[str] = field(default_factory=list)
    calls: dict[tuple[str, str], None] = field(default_factory=dict)


@dataclass(slots=True)
class Trial:
    """Tries the rows of people whom the directory of a rehearsal knows.

    Args:
        rehearsal: Of the account; what is tried here is so there from then on.
        now: Seconds since 1970.
    """

    rehearsal: Rehearsal
    now: float
    _touched: dict[Subscriber, _Touched] = field(default_factory=dict)

    def rows(self, items: Iterable[tuple[int, Item]]) -> Iterator[RowEnd]:
        """Yield how rows would end, in their order."""
        for number, item in items:
            yield self._row(number, item)

    def people(self) -> list[PersonEnd]:
        """Return what the people of these rows would have otherwise."""
        return [_end(subscriber.record, touched) for subscriber, touched in self._touched.items()]

    def _row(self, number: int, item: Item) -> RowEnd:
        in_hand = self.rehearsal.in_hand
        end = in_hand.take_in(item, self.now)
        if end is None:
            raise AssertionError("a row waits for somebody else's work, and there is none in hand")
        told = _ended(number, end) if isinstance(end, Outcome) else self._carried_out(number, end)
        taken = end.item if isinstance(end, Outcome) else end
        if taken.subscriber is not None:
            in_hand.let_go(taken)
        return told

    def _carried_out(self, number: int, item: Item) -> RowEnd:
        subscriber = item.subscriber
        if subscriber is None:
            raise AssertionError("an event that was taken in has a person")
        touched = self._touched.setdefault(subscriber, _Touched(subscriber.record.copied()))
        then = self.rehearsal.carry_out(item, SeenInKit(), self.now)
        touched.newly += then.newly
        touched.calls |= dict.fromkeys((call.call, call.what) for call in then.calls)
        self._note(item, then)
        later = item.later.told if item.later else ""
        return RowEnd(number, then.kind, str(item.refusal or "") or then.note or later)

    def _note(self, item: Item, then: Rehearsed) -> None:
        """Note that Kit has taken all of it."""
        if then.record.kit_id is None and item.change.creates is not None and not item.waits:
            then.record.kit_id = JUST_CREATED
        if then.kind in {Kind.APPLIED, Kind.SCHEDULED}:  # as `consumer.settle` says
            self.rehearsal.in_hand.applied(item)


def _ended(number: int, end: Outcome) -> RowEnd:
    return RowEnd(number, end.kind, str(end.error or "") or end.note)


def _end(then: Record, touched: _Touched) -> PersonEnd:
    before = touched.before
    had, has = _present(before), _present(then)
    fields = [name for name in {**before.fields, **then.fields} if _value(before, name) != _value(then, name)]
    impact = PersonImpact(
        gained={key: name for key, name in has.items() if key not in had},
        lost={key: name for key, name in had.items() if key not in has},
        fields=frozenset(fields),
        new_taggings=frozenset(),
        calls=len(touched.calls),
        is_wholly_known=True,
    )
    is_new = before.kit_id is None and then.kit_id is not None
    depends = then.kit_id is None and bool(touched.calls)
    values = {name: value for name in fields if (value := _value(then, name)) is not None}
    name = "" if then.first_name is None else then.first_name.part.value
    told = "" if before.first_name is not None and before.first_name.part.value == name else name
    return PersonEnd(then.email, impact, is_new, tuple(touched.newly), depends, values, told)


def _present(record: Record) -> Mapping[str, str]:
    """Return the tags that somebody has, as far as is known: the names by `tag_key`."""
    return {key: tag.part.value.name for key, tag in record.tags.items() if tag.part.value.present}


def _value(record: Record, name: str) -> str | None:
    known = record.fields.get(name)
    return None if known is None else known.part.value


def in_groups(people: Iterable[Sequence[int]], most: int) -> Iterator[list[Sequence[int]]]:
    """Yield people some at a time, so that together they have about so many rows at most."""
    some, rows = list[Sequence[int]](), 0
    for each in people:
        some.append(each)
        rows += len(each)
        if rows >= most:
            yield some
            some, rows = [], 0
    if some:
        yield some
