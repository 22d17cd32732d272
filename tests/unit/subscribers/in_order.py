"""What Kit should have of one person in the end: the events in their order, in the simplest words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.unit.examples import change, order
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.parts import Part, TagWish, slot_key

TAGS: Final = ("A", "Gold", "Silver")
SLOT: Final = "access.granted {mk_access_level}"


@dataclass(frozen=True)
class Wish:
    """What an event asks for.

    Attributes:
        gives: A tag that takes off what its slot gave before.
        empties: Whether all is taken off that the slot gave.
        opens: The subscription that it opens; empty for one without an id.
        closes: Likewise.
    """

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    fields: tuple[tuple[str, str | None], ...] = ()
    gives: str | None = None
    empties: bool = False
    opens: str | None = None
    closes: str | None = None

    def change(self, number: int, *, again: bool = False) -> Change:
        """Return it as the mapping would."""
        asked = change(number, add=self.add, remove=self.remove, fields=dict(self.fields))
        if self.gives is not None:
            part = Part(TagWish(self.gives, present=True), order(number))
            asked = asked.merge(
                Change(tags={self.gives.lower(): part}, gave={slot_key(SLOT, self.gives): part})
            )
        if self.empties:
            part = Part(TagWish("", present=False), order(number))
            asked = asked.merge(Change(gave={slot_key(SLOT, ""): part}))
        if self.opens is None and self.closes is None:
            return asked
        fact = Fact(
            order(number),
            opens=self.opens is not None,
            subscription=self.opens or self.closes or "",
            tags={key: part.value for key, part in asked.tags.items()},
            gave={key: part.value for key, part in asked.gave.items()},
            shows={name: part.value for name, part in asked.fields.items()},
            again=again,
        )
        return Change(ensure=asked.ensure, creates=asked.creates, facts=(fact,))


@dataclass
class Kit:
    """What Kit has of the person."""

    exists: bool = False
    tags: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)

    def set_field(self, name: str, value: str | None) -> None:
        """Set a custom field, or clear it."""
        self.exists = True
        if value is None:
            self.fields.pop(name, None)
        else:
            self.fields[name] = value

    def set_tag(self, wish: TagWish) -> None:
        """Add a tag, or take it off."""
        (self.tags.add if wish.present else self.tags.discard)(wish.name)


def in_order(wishes: Sequence[Wish]) -> Kit:
    """Return what Kit should have in the end, in the simplest words there are."""
    return InOrder().read(wishes)


class InOrder:
    """A person whose events come one by one, in their order, and are understood at once."""

    def __init__(self) -> None:
        self.kit = Kit()
        self.given: set[str] = set()
        self.open: dict[str, Wish] = {}
        self.opened: dict[str, dict[str, str | None]] = {}
        self.closed: dict[str, dict[str, str | None]] = {}

    def read(self, wishes: Sequence[Wish]) -> Kit:
        """Read all events."""
        self.kit.exists = bool(wishes)
        for wish in wishes:
            if wish.opens is not None:
                self._opens(wish, wish.opens)
            elif wish.closes is not None:
                self._closes(wish, wish.closes)
            else:
                self._ask(wish)
                for name, value in wish.fields:
                    self.kit.set_field(name, value)
        self._show()
        return self.kit

    def _ask(self, wish: Wish) -> None:
        self.kit.tags -= set(wish.remove)
        self.kit.tags |= set(wish.add)
        if wish.gives is not None or wish.empties:
            self._empty()
        if wish.gives is not None:
            self._give(wish.gives)

    def _empty(self) -> None:
        self.kit.tags -= self.given

    def _give(self, tag: str) -> None:
        self.kit.tags.add(tag)
        self.given.add(tag)

    def _opens(self, wish: Wish, name: str) -> None:
        self.open.pop(name, None)
        self.open[name] = wish
        self._hear(name)
        self.closed[name] = {}
        self.opened[name] |= dict(wish.fields)
        self._ask(wish)

    def _hear(self, name: str) -> None:
        self.opened[name], self.closed[name] = self.opened.pop(name, {}), self.closed.pop(name, {})

    def _closes(self, wish: Wish, name: str) -> None:
        ends = [each for each in self.open if not name or each in {name, ""}]
        for each in ends:
            del self.open[each]
        told = [name] if name else ends or list(self.opened)[-1:] or [""]
        if name and name not in self.opened:
            self._hear(name)
            if "" in ends:
                self.opened[name] |= self.opened[""]
        for each in told:
            self._hear(each)
            self.closed[each] |= dict(wish.fields)
        if not self.open:
            self._ask(wish)
            return
        held = {tag for other in self.open.values() for tag in (*other.add, other.gives)}
        self.kit.tags -= set(wish.remove) - held
        if wish.empties:
            self._empty()
            for other in reversed(self.open.values()):
                if other.gives is not None:
                    self._give(other.gives)
                    break

    def _show(self) -> None:
        """Show the newest subscription that is open, else the newest."""
        for name in [*reversed(self.open), *reversed(self.opened)][:1]:
            for field_name, value in {**self.opened[name], **self.closed[name]}.items():
                self.kit.set_field(field_name, value)
