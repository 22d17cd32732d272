"""One event on its way, and how it ended: the two shapes that the stages hand to each other. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

import msgspec

from worker.errors import EventError
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin
from worker.events.values import time_text
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.due_effect import DueAnew
from worker.subscribers.glimpse import Glimpse, glimpse
from worker.subscribers.parts import TagWish, tag_told
from worker.subscribers.subscriber import Call, Subscriber

HELD_TOLD: Final = ", by max_new_taggings_per_hour"
"""How what is told of held tags ends."""
ROW_TOLD: Final = "imported as "
"""What comes before the name of a row of an import, in the history."""


class Later(NamedTuple):
    """That some of an event takes effect later, when it has to come in again.

    Attributes:
        at: When that is.
        what: What it will do then, for people.
        alone: True where nothing of it takes effect before.
    """

    at: datetime
    what: str
    alone: bool = False

    @property
    def told(self) -> str:
        """Return it as one line."""
        return f"on {time_text(self.at)}: {self.what or 'nothing by the present mapping'}"


class Item(msgspec.Struct, frozen=True, eq=False):
    """An event in hand: what it says, whom it is about, and what it asks for.

    Attributes:
        event: None where the message could not be read as one.
        email: The address that it names; empty where it names none.
        user_id: The platform's id of the person, as `person_key` writes it; None where it gives none.
        change: What it asks for under the account's mapping.
        refusal: Why it, or a part of it, can never be applied: it ends as a dead letter.
        later: What of it takes effect later; None where nothing does, or where another copy says so.
        subscriber: Whom it is about, once that is known.
        mark: What tells it apart from the others of its person, while it stands for all its copies.
        doubled: True where it only waits for the end of another copy of the same event.
        version: Of the account's file under which it was interpreted.
        epoch: Of the tenure in which it was read; 0 where the account was not taken yet.
        glimpse: What could be read of a message that is no event.
        previous: The address that it says the person had before; empty where it says none.
        may_move: Whether events of its type may change a known person's address.
        anew: Where its person's events are heard anew, what is due of them then; else None.
        by_address: True where ids are only data, so that its address alone tells who is meant.
    """

    delivery: Delivery
    event: Event | None = None
    email: str = ""
    user_id: str | None = None
    change: Change = NOTHING
    refusal: EventError | None = None
    later: Later | None = None
    subscriber: Subscriber | None = None
    mark: str | None = None
    doubled: bool = False
    version: str = ""
    epoch: int = 0
    glimpse: Glimpse | None = None
    previous: str = ""
    may_move: bool = False
    anew: DueAnew | None = None
    by_address: bool = False

    @property
    def waits(self) -> bool:
        """Whether nothing of it takes effect now, but something later."""
        return self.later is not None and self.later.alone

    @property
    def row_told(self) -> str:
        """Which row of which import it is, for people; empty where it is none."""
        if self.event is None or self.event.origin is not Origin.IMPORT or self.event.due is None:
            return ""
        return f"{ROW_TOLD}{self.event.due.id}"

    @property
    def addresses(self) -> set[str]:
        """The addresses that it names, now or before, or that its person is said to have in Kit."""
        return {self.email, *filter(None, (self.previous, self.change.new_address))}

    @property
    def known(self) -> Glimpse:
        """What is known of the event, whether or not it could be read as a whole."""
        if (event := self.event) is not None:
            return Glimpse(event.id, event.type, event.time, self.email, self.user_id)
        return self.glimpse or glimpse(self.delivery)


class Kind(StrEnum):
    """What became of an event: the `outcome` of its metric, and the end of its log line's name."""

    APPLIED = "applied"
    """All that it asked for is true in Kit."""
    SUPERSEDED = "superseded"
    """Newer events had said otherwise."""
    DUPLICATE = "duplicate"
    """Another copy of it was applied."""
    SCHEDULED = "scheduled"
    """The ledger has a timer for it: nothing of it takes effect before."""
    IGNORED = "ignored"
    """No mapping names it, a rule skips it, or Kit has nobody of its address and it creates nobody."""
    FORGOTTEN = "forgotten"
    """Its person was forgotten; it is told as `ignored`, and no history may name the person."""
    DEAD_LETTERED = "dead_lettered"
    """It is safe in the dead-letter queue."""


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """How an event ended, or is about to: whoever ends one gives this to settle.

    Attributes:
        error: Why it is a dead letter; None for all other kinds.
        note: What its history says of it besides.
        attempts: How often it was tried.
        calls: The calls to Kit that were made for it.
        held: The tags that it asks for and that are held.
    """

    item: Item
    kind: Kind
    error: EventError | None = None
    attempts: int = 1
    calls: tuple[Call, ...] = ()
    note: str = ""
    held: tuple[str, ...] = ()

    @property
    def held_told(self) -> str:
        """What is held of it, for people; empty where nothing is."""
        tags = ", ".join(tag_told(TagWish(tag, present=True)) for tag in self.held)
        return f"held: {tags}{HELD_TOLD}" if tags else ""

    @property
    def detail(self) -> str:
        """What its history says of it beside its calls."""
        later = self.item.later.told if self.item.later else ""
        said = self.error, self.note, self.held_told, later, self.item.row_told
        return "; ".join(str(each) for each in said if each)

    @property
    def since(self) -> datetime | None:
        """From when on an applied event was to be applied; None where it was not."""
        event = self.item.event
        if self.kind is not Kind.APPLIED or event is None:
            return None
        return event.time if event.due is None else event.due.at
