"""What takes effect later, as the ledger keeps it, and by what it is told from what else is due. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class DueEffect:
    """An event that has to come in again at its time, and what it will do then.

    Attributes:
        id: The same for the same event and time, however often it is told.
        at: When it takes effect, in seconds since 1970.
        email: Of whom it is about, as the record has it.
        user_id: The platform's id of the person, as `id_key` writes it; None where the event gives none.
        what: One line, for people.
        message: What is published then, as `consumer.due_message` writes it.
    """

    id: str
    at: float
    email: str
    user_id: str | None
    event_type: str
    event_id: str | None
    event_time: datetime
    what: str
    message: bytes


class EventName(NamedTuple):
    """By what the timers of an event are told from those of others; see `mark.event_name`."""

    type: str
    id: str | None
    time: str


class SetTimer(NamedTuple):
    """A timer that is set: what it will do, for people, and of which event it is."""

    id: str
    what: str
    event: EventName


class DueAnew(NamedTuple):
    """What takes effect later by events of a person that were heard anew.

    Attributes:
        events: Which were heard: nothing else of them is due any more.
        effects: What is due of them.
    """

    events: frozenset[EventName]
    effects: tuple[DueEffect, ...]
