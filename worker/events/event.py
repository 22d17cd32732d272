"""An event: what happened on the platform, to whom, and its place among the others. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum, auto
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from worker.events.values import Json

ORIGINAL_ROUTING_KEY = "x-original-routing-key"
EVENT_ID = "x-event-id"
EVENT_TIME = "x-event-time"
EVENT_ARRIVAL = "x-event-arrival"
"""Of a replayed event, its `arrival` of the first time: it is no newer than what came after it then."""

ORIGIN: Final = "x-origin"
"""That a message is the worker's own, and why it is in a queue; see `Origin`."""
DUE_AT: Final = "x-due-at"
DUE_ID: Final = "x-due-id"
"""Of what a timer of the ledger has published: when it takes effect, and which timer that is."""
OWES: Final = "x-owes"
"""Likewise, the mark of what a dead letter says already that the event owes; see `owed_mark`."""


class Origin(StrEnum):
    """Why a message of the worker's own is in an account's queue."""

    DUE = auto()
    """An event of before takes effect, or a part of it does."""
    AGAIN = auto()
    """Kit is to be told once more what should be so of a person."""
    ANEW = auto()
    """A person's events are to be heard anew, by another version of the account's file."""
    ALLOW = auto()
    """Tags are let through that were held."""
    UNDO = auto()
    """Tags are to go off that a run put on."""
    REPAIR = auto()
    """Kit is to have again what this worker gave, where somebody saw that it has something else."""
    ADOPT = auto()
    """The ledger is to take Kit's word, likewise."""
    IMPORT = auto()
    """An event from a file of those who were there before; see `Imported`."""


IMPORTED: Final = "x-import"
"""Of an event from a file, how it is taken: an `Imported` as JSON."""


class Imported(Struct, frozen=True, omit_defaults=True):
    """How an event from a file is taken.

    Attributes:
        fields_only: Whether it puts no tags on or off, and unsubscribes nobody.
        known: Whether Kit has all that it asks for, so that only the ledger learns of it.
        marker: A tag that is put on before all others; empty for none.
        version: Of the account's file under which somebody has agreed to its new tags.
    """

    fields_only: bool = False
    known: bool = False
    marker: str = ""
    version: str = ""


REPLAY_RUN: Final = "x-replay-run"
"""Of an event that the page replayed: in which of its runs, where it is counted what became of it."""

ORIGINAL: Final = "x-original-"
ABOUT_FAILURE: Final = (
    "x-reason", "x-detail", "x-account", "x-event-type", "x-attempts", "x-failed-at", REPLAY_RUN,
)  # fmt: skip
"""Headers of a dead letter that a replay takes off again."""
_OWN: Final = frozenset(
    {EVENT_ID, EVENT_TIME, EVENT_ARRIVAL, ORIGIN, IMPORTED, DUE_AT, DUE_ID, OWES, *ABOUT_FAILURE}
)


def is_workers_own(header: str) -> bool:
    """Tell whether a header is the worker's: from anybody else it says nothing."""
    return header in _OWN or header.startswith(ORIGINAL)


class OrderKey(NamedTuple):
    """When something happened to a person; greater is newer.

    Attributes:
        sequence: The publisher's CloudEvents `sequence`, made comparable; empty where there is none,
            which sorts before every sequence.
        time: When it happened, by the publisher's clock.
        arrival: The place among messages that were received, by `arrival_of`; of a replay, the first time's.
    """

    sequence: str
    time: datetime
    arrival: int

    @property
    def moment(self) -> Moment:
        """The sequence and the time: a copy of an event has another place of arrival, and the same moment."""
        return self[:2]

    def is_heard_anew(self, anew: Collection[OrderKey]) -> bool:
        """Tell whether what was said under this key is said anew, or not at all, by events of these places.

        It is of one of them, or it took back what such an event had asked for.
        """
        return bool(anew) and (self.arrival == TAKEN_BACK or self in anew)

    def after(self, other: OrderKey) -> OrderKey | None:
        """Return the place of what somebody has asked for behind an event; None where that is newer.

        Who asks knows of no sequences: what has none would come before every event that has one.
        """
        return None if other.time > self.time else self._replace(sequence=max(self.sequence, other.sequence))


Moment: TypeAlias = tuple[str, datetime]

TAKEN_BACK: Final = -1
"""The `arrival` of what takes back what a run put on: it stands until the person's events are heard anew."""

_MESSAGES_BITS: Final = 21
"""Of an arrival number: two million messages, before it runs into the numbers of the next millisecond."""


def arrival_of(epoch: int, tag: int) -> int:
    """Return the arrival number of a message, which is the same for all who share a ledger.

    Whoever receives a message later has a greater one, in whichever process: a later tenure has a greater
    epoch, and within a session the channel counts. Epochs are milliseconds since 1970 (`ledger.takeover`), so
    that it is greater than every number of nanoseconds until 2109, and less than 2**63, as databases have it.

    Args:
        epoch: Of the tenure; 0 where the account is not taken yet.
        tag: The channel's number for the message.
    """
    return (epoch << _MESSAGES_BITS) + tag


FIRST = OrderKey("", datetime.min.replace(tzinfo=UTC), 0)
"""Older than anything that can happen."""


class Due(NamedTuple):
    """Of an event that has come in at its time, the timer that was set for that.

    Attributes:
        id: Which makes a second copy of the message a duplicate.
        at: When the event, or some of it, takes effect.
        owes: The mark of what a dead letter says already that the event owes; empty for nothing.
    """

    id: str
    at: datetime
    owes: str = ""


LET_GO: Final[Mapping[str, Json]] = MappingProxyType({})
"""In place of the `data` of an event that was interpreted, which can take ten times what its message does."""


class Event(Struct, frozen=True):
    """Something that happened on the platform.

    Attributes:
        id: As the publisher gave it; None where it gave none. Only such ids mark duplicates.
        app: The app that the routing key names, if any.
        order: Its place among the events of one person.
        data: The payload, a JSON object, not yet checked; `LET_GO` once it is known what the event asks for.
        dated: False where it has no time of its own, so that the time of receipt stands for it.
        origin: Why the worker published it; None where it is the platform's, or a replay of such a one.
        due: Which timer published it; None where none did.
        imported: How it is taken, of an event from a file, now and later; None for all others.
    """

    type: str
    time: datetime
    order: OrderKey
    data: Mapping[str, Json]
    id: str | None = None
    app: str | None = None
    dated: bool = True
    origin: Origin | None = None
    due: Due | None = None
    imported: Imported | None = None

    def moment(self, received_at: datetime) -> datetime:
        """Return the moment at which it is asked what the event means: when it came, at its time or later.

        The clock by which it was published may be ahead of the one by which it was received.
        """
        return received_at if self.due is None else max(received_at, self.due.at)

    def without_data(self) -> Event:
        """Return the event as it is kept while it waits; `events.decode.with_data` reads its data again."""
        return replace(self, data=LET_GO)
