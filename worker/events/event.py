"""An event: what happened on the platform, to whom, and its place among the others. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from worker.events.values import Json

ORIGINAL_ROUTING_KEY = "x-original-routing-key"
EVENT_ID = "x-event-id"
EVENT_TIME = "x-event-time"
EVENT_ARRIVAL = "x-event-arrival"
"""Of a replayed event, its `arrival` of the first time: it is no newer than what came after it then."""


class OrderKey(NamedTuple):
    """When something happened to a person; greater is newer.

    Attributes:
        sequence: The publisher's CloudEvents `sequence`, made comparable; empty where there is none,
            which sorts before every sequence.
        time: When it happened, by the publisher's clock.
        arrival: A number that grows with every message this process receives.
    """

    sequence: str
    time: datetime
    arrival: int


FIRST = OrderKey("", datetime.min.replace(tzinfo=UTC), 0)
"""Older than anything that can happen."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on the platform.

    Attributes:
        id: As the publisher gave it; None where it gave none. Only such ids mark duplicates.
        app: The app that the routing key names, if any.
        order: Its place among the events of one person.
        data: The payload, a JSON object, not yet checked.
        dated: False where it has no time of its own, so that the time of receipt stands for it.
    """

    type: str
    time: datetime
    order: OrderKey
    data: Mapping[str, Json]
    id: str | None = None
    app: str | None = None
    dated: bool = True
