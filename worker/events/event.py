"""An event: what happened on the platform, to whom, and its place among the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
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
"""Why a message of the worker's own is in a queue: it is time for it (`DUE`), or somebody asks (`AGAIN`)."""
DUE: Final = "due"
AGAIN: Final = "again"
ANEW: Final = "x-anew"
"""Of what is due: that a person's events are heard anew, and under which version of the account's file."""
ALLOWS: Final = "x-allows"
"""Of what is due: that somebody lets tags through which were held, and by which plan."""
UNDOES: Final = "x-undoes"
"""Of what is due: that tags go off which a run put on, and which run."""
DUE_AT: Final = "x-due-at"
DUE_ID: Final = "x-due-id"
"""Of what is due: when it takes effect, and which timer of the ledger says so."""

REPLAY_RUN: Final = "x-replay-run"
"""Of an event that the page replayed: in which of its runs, where it is counted what became of it."""

ORIGINAL: Final = "x-original-"
ABOUT_FAILURE: Final = (
    "x-reason", "x-detail", "x-account", "x-event-type", "x-attempts", "x-failed-at", REPLAY_RUN,
)  # fmt: skip
"""Headers of a dead letter that a replay takes off again."""
_OWN: Final = frozenset(
    {EVENT_ID, EVENT_TIME, EVENT_ARRIVAL, ORIGIN, ANEW, ALLOWS, UNDOES, DUE_AT, DUE_ID, *ABOUT_FAILURE}
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


Moment: TypeAlias = tuple[str, datetime]

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
    """Of an event that has come in again at its time, the timer that was set for that.

    Attributes:
        id: Which makes a second copy of the message a duplicate.
        at: When the event, or some of it, takes effect.
    """

    id: str
    at: datetime


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
        due: Why it has come in again; None where it comes from the platform, or is a replay of such a one.
        again: True where nothing happened: somebody asked that Kit be told once more what should be so.
        anew: Where nothing happened, and somebody asked that the person's events be heard anew: the version
            of the account's file for which that was planned. Else empty.
        allows: True where nothing happened: somebody let tags through that were held.
        undoes: True where nothing happened: somebody takes back what a run put on.
    """

    type: str
    time: datetime
    order: OrderKey
    data: Mapping[str, Json]
    id: str | None = None
    app: str | None = None
    dated: bool = True
    due: Due | None = None
    again: bool = False
    anew: str = ""
    allows: bool = False
    undoes: bool = False

    def moment(self, received_at: datetime) -> datetime:
        """Return the moment at which it is asked what the event means: when it came, at its time or later.

        The clock by which it was published may be ahead of the one by which it was received.
        """
        return received_at if self.due is None else max(received_at, self.due.at)

    def without_data(self) -> Event:
        """Return the event as it is kept while it waits; `events.decode.with_data` reads its data again."""
        return replace(self, data=LET_GO)
