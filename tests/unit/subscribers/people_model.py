"""What a person should have after some events, told in the plainest way: as if each had come in its order.

This is written from the contract alone ("What they have"), and knows nothing of the code that it judges:

- An event that opens a subscription does what its mapping says.
- One that closes a subscription while others are open takes nothing off that an open one gives, and adds
  nothing. The last one that closes does what its mapping says.
- At equal times openings come before closings.
- A group has one tag at a time: the newest that was given, by an open subscription or by any other event.
- What Kit shows of subscriptions is the newest open one; where none is open, the newest there was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

Key: TypeAlias = tuple[str, str]
"""A subscription: whose, and its id; either is empty where events do not say it."""

PLAN: Final = "{plan}"
"""Stands in the name of a tag for the plan of the event."""


@dataclass(frozen=True)
class Does:
    """What one event type does.

    Attributes:
        lifecycle: Whether it opens or closes a subscription.
        add: Tags that it adds.
        remove: Tags that it takes off.
        gives: The tag that it gives in the one group that there is.
        empties: Whether it takes off whatever the group gave.
        sets: Custom fields that it sets to something fixed; None clears one.
        deletes: Whether it takes everything off.
    """

    lifecycle: Literal["opens", "closes", ""] = ""
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    gives: str = ""
    empties: bool = False
    sets: tuple[tuple[str, str | None], ...] = ()
    deletes: bool = False


@dataclass(frozen=True)
class Said:
    """An event.

    Attributes:
        number: Its place among events of the same time.
        does: What its type does.
        second: When it happened.
        user: The platform's id of the person; empty where it has none.
        subscription: The id of the subscription; empty where it has none.
        plan: Which plan.
    """

    number: int
    does: Does
    second: int
    user: str = ""
    subscription: str = ""
    plan: str = "Club"

    def __str__(self) -> str:
        does = self.does
        asks = f"+{does.add} -{does.remove} group {does.gives or does.empties} {does.sets}"
        return f"> {self.number} {does.lifecycle or 'does'} @{self.second} {self.key} {self.plan} {asks}"

    @property
    def place(self) -> tuple[int, bool, int]:
        """Its place among all events."""
        return self.second, self.does.lifecycle == "closes", self.number

    @property
    def key(self) -> Key:
        """Which subscription it is about."""
        return self.user, self.subscription

    @property
    def added(self) -> set[str]:
        """The tags that it adds."""
        return {tag.replace(PLAN, self.plan) for tag in self.does.add}

    @property
    def removed(self) -> set[str]:
        """The tags that it takes off."""
        return {tag.replace(PLAN, self.plan) for tag in self.does.remove}


@dataclass
class Person:
    """What somebody should have; `shown` is told of subscriptions, by the ends of the fields' names."""

    tags: set[str] = field(default_factory=set)
    sets: dict[str, str] = field(default_factory=dict)
    shown: dict[str, str | None] = field(default_factory=dict)


class Story:
    """A person, to whom events happen one after another."""

    def __init__(self) -> None:
        self.person = Person()
        self._open: dict[Key, Said] = {}
        self._gifts: dict[object, Said] = {}
        self._ever_given: set[str] = set()

    def happens(self, event: Said) -> None:
        """Let one event happen; all older ones have."""
        if event.does.lifecycle == "opens":
            self._opens(event)
        elif event.does.lifecycle == "closes":
            self._closes(event)
        else:
            self._does_all(event, event.number)
        self._one_tag_of_the_group()

    def _opens(self, event: Said) -> None:
        self._open[event.key] = event
        self._does_all(event, event.key)
        self._show_the_newest_open()

    def _closes(self, event: Said) -> None:
        for key in [key for key in self._open if _closed_by(key, event)]:
            del self._open[key]
        if not self._open:
            self._does_all(event, event.key)
            self.person.shown = {"plan": event.plan, "status": "canceled", "canceled_at": str(event.second)}
            return
        given = {tag for opening in self._open.values() for tag in opening.added}
        self.person.tags -= event.removed - given
        if event.does.empties:
            self._gifts = {key: gift for key, gift in self._gifts.items() if self._open.get(key) is gift}  # type: ignore[call-overload]  # keys of another kind are in no dict
        self._show_the_newest_open()

    def _does_all(self, event: Said, giver: object) -> None:
        does = event.does
        if does.deletes:
            nothing = dict.fromkeys(("plan", "status", "id", "canceled_at"))
            self.person, self._gifts = Person(shown=nothing), {}
        self.person.tags -= event.removed
        self.person.tags |= event.added
        if does.empties:
            self._gifts = {}
        if does.gives:
            self._gifts[giver] = event
        for name, value in does.sets:
            self.person.sets.pop(name, None)
            self.person.sets |= {} if value is None else {name: value}

    def _show_the_newest_open(self) -> None:
        newest = max(self._open.values(), key=lambda event: event.place)
        self.person.shown = {
            "plan": newest.plan,
            "status": "active",
            "id": newest.subscription or None,
            "canceled_at": None,
        }

    def _one_tag_of_the_group(self) -> None:
        self._ever_given |= {_gift(event) for event in self._gifts.values()}
        self.person.tags -= self._ever_given
        if self._gifts:
            self.person.tags.add(_gift(max(self._gifts.values(), key=lambda event: event.place)))


def _closed_by(key: Key, event: Said) -> bool:
    """Tell whether an event closes a subscription.

    Where one of the two does not say whose it is, it is the person's. A closing without an id closes all of
    the user's, one with an id that one and the unnamed one.
    """
    user, subscription = key
    same_user = not user or not event.user or user == event.user
    return same_user and (not event.subscription or subscription in {"", event.subscription})


def _gift(event: Said) -> str:
    return event.does.gives.replace(PLAN, event.plan)


def right(events: Iterable[Said]) -> Person:
    """Return what the person should have."""
    story = Story()
    for event in sorted(events, key=lambda event: event.place):
        story.happens(event)
    return story.person


def file_of(mapping: Mapping[str, Does]) -> str:
    """Return the events of an account's file that say the same, as an admin writes them."""
    return "\n".join(
        ["events:", *(f"  {kind}: {{{', '.join(_said(does))}}}" for kind, does in mapping.items())]
    )


def _said(does: Does) -> Iterable[str]:
    if does.lifecycle:
        yield f"{does.lifecycle}: subscription"
    source = "{mk_subscription_plan}" if does.lifecycle else "{data.plan}"
    add, remove = ([f'"{tag.replace(PLAN, source)}"' for tag in tags] for tags in (does.add, does.remove))
    if does.gives:
        add.append(f'{{tag: "{does.gives.replace(PLAN, source)}", replaces: plan}}')
    if does.empties:
        remove.append("{group: plan}")
    if does.deletes:
        yield "remove_tags: all, clear_fields: all"
    if remove:
        yield f"remove_tags: [{', '.join(remove)}]"
    if add:
        yield f"add_tags: [{', '.join(add)}]"
    if does.sets:
        sets = ", ".join(f"{name}: {'null' if value is None else value}" for name, value in does.sets)
        yield f"set_fields: {{{sets}}}"
