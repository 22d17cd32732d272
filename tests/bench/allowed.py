"""The fewest calls that a window over the queue allows: what no worker that folds by person can beat. Pure.

A worker sees as many events as it may hold unsettled, its prefetch. What a person's events there add up to
is written once, less what Kit has already. Single calls: whoever has waited longest is written, and the next
events come in. Bulk calls: the whole window is written, and the next one comes in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from tests.bench.life import Event
from tests.bench.model import EVERYTHING, Mapped, field_values, tag_changes

WINDOW: Final = 2500
"""Events; what kit-worker may hold where Kit's limit is no brake, unless `PREFETCH` is set otherwise."""
FIELDS_A_CALL: Final = 10
"""Of one upsert: Kit sets more later, after the tags (Kit API reference)."""
ENTRIES_A_CALL: Final = 100
"""Of one bulk call that is answered at once (Kit API reference)."""


@dataclass(slots=True)
class Wish:
    """What events add up to: the newest of each tag, custom field and first name."""

    first_name: str | None = None
    fields: dict[str, str | None] = field(default_factory=dict)
    tags: dict[str, bool] = field(default_factory=dict)

    def fold(self, event: Event, mapped: Mapped) -> None:
        """Add a newer event."""
        added, removed = tag_changes(event.type, event.data)
        values = field_values(event.type, event.data)
        self.tags |= dict.fromkeys(removed, False) | dict.fromkeys(added, True)
        self.fields |= {name: values[name] for name in mapped.fields if name in values}
        if mapped.first_name:
            self.first_name = event.data["user"]["first_name"]


@dataclass(slots=True)
class Known:
    """What Kit is known to have of a person."""

    exists: bool = False
    has: Wish = field(default_factory=Wish)

    def left(self, wish: Wish) -> Wish:
        """Return what of a wish is not so yet."""
        has = self.has
        return Wish(
            None if wish.first_name == has.first_name else wish.first_name,
            {name: value for name, value in wish.fields.items() if has.fields.get(name) != value},
            {tag: on for tag, on in wish.tags.items() if has.tags.get(tag) is not on},
        )

    def learn(self, wish: Wish) -> None:
        """Note that a wish is true."""
        self.exists = True
        self.has.first_name = wish.first_name or self.has.first_name
        self.has.fields |= wish.fields
        self.has.tags |= wish.tags


def single_calls_allowed(
    events: Iterable[Event], mapped: Mapped = EVERYTHING, *, window: int = WINDOW
) -> int:
    """Return the fewest single calls for a backlog."""
    coming, room, calls = iter(events), window, 0
    waiting: dict[str, list[Event]] = {}
    people: dict[str, Known] = {}
    while True:
        for event in islice(coming, room):
            waiting.setdefault(event.email, []).append(event)
        if not waiting:
            return calls
        email = next(iter(waiting))
        own = waiting.pop(email)
        room = len(own)
        person = people.setdefault(email, Known())
        left = person.left(folded(own, mapped))
        calls += _single(left, exists=person.exists)
        person.learn(left)


def bulk_calls_allowed(events: Sequence[Event], mapped: Mapped = EVERYTHING, *, window: int = WINDOW) -> int:
    """Return the fewest bulk calls for a backlog."""
    people: dict[str, Known] = {}
    calls = 0
    for at in range(0, len(events), window):
        by_person: dict[str, list[Event]] = {}
        for event in events[at : at + window]:
            by_person.setdefault(event.email, []).append(event)
        entries = [0, 0, 0, 0]
        for email, own in by_person.items():
            person = people.setdefault(email, Known())
            left = person.left(folded(own, mapped))
            entries[0] += not person.exists or left.first_name is not None
            entries[1] += len(left.fields)
            entries[2] += sum(not on for on in left.tags.values())
            entries[3] += sum(left.tags.values())
            person.learn(left)
        calls += sum(-(-count // ENTRIES_A_CALL) for count in entries)
    return calls


def folded(events: Iterable[Event], mapped: Mapped) -> Wish:
    """Return what events of one person, oldest first, add up to."""
    wish = Wish()
    for event in events:
        wish.fold(event, mapped)
    return wish


def _single(left: Wish, *, exists: bool) -> int:
    upserts = -(-len(left.fields) // FIELDS_A_CALL)
    if not upserts and (not exists or left.first_name is not None):
        upserts = 1
    # Whom the upsert creates has no tags to take off.
    return upserts + sum(on or exists for on in left.tags.values())
