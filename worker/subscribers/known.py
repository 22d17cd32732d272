"""What the ledger knows of the people in hand, and what it is told of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import Struct

from worker.events.event import OrderKey
from worker.subscribers.due_effect import DueAnew, DueEffect
from worker.subscribers.record import Record


@dataclass(frozen=True, slots=True)
class Person:
    """A person whom the platform knows by an id.

    Attributes:
        email: The address under which Kit has the person.
        moved_at: When that was last changed in Kit, in seconds since 1970; None where it never was.
    """

    user_id: str
    email: str
    moved_at: float | None = None


@dataclass(frozen=True, slots=True)
class RecentMoves:
    """What the ledger knows of an account's moves when it is taken.

    Attributes:
        times: Of the moves within the last hour, in seconds since 1970.
        people: How many people are known by an id.
    """

    times: tuple[float, ...] = ()
    people: int = 0


NO_MOVES: Final = RecentMoves()


@dataclass(frozen=True, slots=True)
class RecentTaggings:
    """What the ledger knows of an account's new taggings when it is taken.

    Attributes:
        counted: How many were called or held within the last hour, by the beginning of their minute.
        people: How many people are known.
        holds: Whether any is held.
    """

    counted: Mapping[int, int] = field(default_factory=dict)
    people: int = 0
    holds: bool = False


NO_TAGGINGS: Final = RecentTaggings()


class KitName(NamedTuple):
    """Which tag or custom field of Kit a name in an account's file has meant so far.

    Attributes:
        kind: `tags` or `custom_fields`.
        name: A tag's `tag_key`; a custom field's name as the admin wrote it.
        kit_id: Kit's id, which stays when somebody renames it there.
        kit_name: What Kit called it when it was last looked at; a custom field's label.
    """

    kind: str
    name: str
    kit_id: int
    kit_name: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger knows about the people of a batch.

    Attributes:
        records: By address.
        people: By the platform's id.
        forgotten: By `("email", address)` and `("user", id)`: events of that time or older are dropped.
    """

    records: Mapping[str, Record]
    people: Mapping[str, Person]
    forgotten: Mapping[tuple[str, str], datetime]


class HistoryEntry(Struct, frozen=True):
    """One event's line in the history; see `kit-worker history`.

    Attributes:
        age: How old the event was when it was applied, in seconds; it is counted, and stands in no line. None
            where it was not applied, or by a replay, whose event had waited for a person.
    """

    email: str
    event_id: str | None
    event_type: str
    event_time: datetime
    at: float
    outcome: str
    detail: str = ""
    calls: tuple[Mapping[str, Any], ...] = ()
    version: str = ""
    age: float | None = None


class NewestEvent(NamedTuple):
    """The newest event of a person, of one type and about one subscription.

    Attributes:
        email: Of whom it is about, as the record has it.
        user_id: The platform's id of the person, as `id_key` writes it; empty where the event gives none.
        subscription: The platform's id of it; empty where the event has none, or opens and closes none.
        message: The event, as `consumer.newest` writes it; empty where it is not kept: it was too large, say.
    """

    email: str
    user_id: str
    event_type: str
    subscription: str
    order: OrderKey
    message: bytes


class LetterEntry(Struct, frozen=True):
    """What the ledger's index says of a dead letter: all but its body and its headers.

    Attributes:
        id: The letter's own, as `id_key` writes it.
        event_id: As the publisher gave it; empty where it gave none.
        event_time: ISO 8601; empty where none can be read.
        failed_at: Likewise.
        email: The person's address; empty where none can be read.
        user_id: The platform's id of the person, without its app; None where none can be read.
    """

    id: str
    reason: str
    detail: str
    event_type: str
    event_id: str
    event_time: str
    failed_at: str
    attempts: int = 0
    email: str = ""
    user_id: str | None = None


@dataclass(slots=True)
class Batch:
    """What is written in one transaction.

    Attributes:
        moves: Addresses that changed, old → new; their history, and what is due, follow.
        due: What takes effect later.
        anew: What is due of events that were heard anew, by the address of their person.
        past: Of what was due, the ids of what has come in, and ended.
        letters: The dead letters that are safe in their queue.
        newest: The events that ended, as far as they may be the newest ones.
        replayed: Of events that runs put back, how many ended, by run and by kind of end.
        created_tags: How many tags were created by placeholders since the last batch.
        calls: How many calls were sent to Kit since then.
        names: What names mean in Kit, where that is new.
        taggings: How many more new taggings are counted, by the minute; see `TaggingGuard`.
        ahead: How many more of these are counted before they are called, likewise.
        holds: Whether any may be held.
        number: Tells the batches of a tenure apart; 0 where nobody will write it again.
    """

    records: list[Record] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    entries: list[HistoryEntry] = field(default_factory=list)
    moves: list[tuple[str, str]] = field(default_factory=list)
    created_tags: int = 0
    calls: int = 0
    names: list[KitName] = field(default_factory=list)
    due: list[DueEffect] = field(default_factory=list)
    anew: list[tuple[str, DueAnew]] = field(default_factory=list)
    past: list[str] = field(default_factory=list)
    letters: list[LetterEntry] = field(default_factory=list)
    replayed: Mapping[tuple[int, str], int] = field(default_factory=dict)
    newest: list[NewestEvent] = field(default_factory=list)
    taggings: Mapping[int, int] = field(default_factory=dict)
    ahead: Mapping[int, int] = field(default_factory=dict)
    holds: bool = False
    number: int = 0

    def __bool__(self) -> bool:
        told = self.records or self.people or self.entries or self.moves
        ended = self.due or self.past or self.letters or self.replayed
        return bool(told or ended or self.created_tags or self.names or self.taggings or self.ahead)
