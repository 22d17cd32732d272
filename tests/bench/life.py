"""What happens to people, made up from a seed: a backlog as a membership platform would leave it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

SIGNED_UP: Final = "user.signed_up"
STARTED: Final = "subscription.started"
GRANTED: Final = "access.granted"
CANCELED: Final = "subscription.canceled"
TYPES: Final = (SIGNED_UP, STARTED, GRANTED, CANCELED)

EVENTS: Final = 5000
PEOPLE: Final = 1000
SEED: Final = 2024

LEVELS: Final = ("Basic", "Silver", "Gold", "Coaching")
PLANS: Final = ("Monthly", "Quarterly", "Annual")
REASONS: Final = ("too expensive", "no time", "moved elsewhere", "finished the course")

_EPOCH: Final = datetime(2024, 3, 1, 9, tzinfo=UTC)
_NEXT: Final = {SIGNED_UP: STARTED, STARTED: GRANTED, GRANTED: CANCELED, CANCELED: STARTED}
_NEWCOMERS: Final = 1 / 3
"""The others signed up before the backlog began, and are somewhere in their life as a member."""

_SOON: Final = {SIGNED_UP: 0.6, STARTED: 0.9, GRANTED: 0.25, CANCELED: 0.4}
"""How often the next thing happens to a person soon: who pays is let in, who cancels may think again."""
_SOON_GAP: Final = (1, 40)
_LATER_GAP: Final = (100, 2500)

Data = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the platform, with the platform's field names in `data`."""

    id: str
    type: str
    time: datetime
    data: Data

    @property
    def email(self) -> str:
        """Whom it is about."""
        return self.data["user"]["email"]

    def body(self) -> bytes:
        """The message, as plain JSON."""
        event = {"id": self.id, "type": self.type, "time": _text(self.time), "data": self.data}
        return json.dumps(event).encode()


class Person:
    """One made-up member; each step of their life is an event."""

    def __init__(self, number: int, random: Random) -> None:
        self._random = random
        self._number = number
        self._subscriptions = 0
        self._plan = random.choice(PLANS)
        first, last = f"Ada{number}", f"Lovelace-{number % 97}"
        self._user = {
            "id": f"usr_{number:06}",
            "email": f"{first}.{last}@example.com".lower(),
            "first_name": first,
            "last_name": last,
            "signed_up_at": _text(_EPOCH - timedelta(days=number % 700)),
            "locale": random.choice(("en-GB", "de-DE", "pt-BR")),
            "profile": f"https://app.example.com/members/usr_{number:06}",
            "referred_by": f"usr_{random.randrange(1_000_000):06}",
            "avatar": f"https://media.example.com/avatars/{random.getrandbits(128):032x}.webp",
        }

    def event(self, kind: str, moment: int) -> Event:
        """Let something happen, so many seconds into the backlog."""
        time = _EPOCH + timedelta(seconds=moment)
        return Event(f"evt_{moment:08}", kind, time, {"user": self._user, **self._details(kind, time)})

    def _details(self, kind: str, time: datetime) -> Data:
        if kind == STARTED:
            self._subscriptions += 1
            self._plan = self._random.choice(PLANS)
            return {"subscription": {**self._subscription("active"), "started_at": _text(time)}}
        if kind == CANCELED:
            ended = {
                "canceled_at": _text(time),
                "ends_at": _text(time + timedelta(days=14)),
                "cancel_reason": self._random.choice(REASONS),
            }
            return {"subscription": {**self._subscription("canceled"), **ended}}
        if kind == GRANTED:
            level = self._random.choice(LEVELS)
            expires = _text(time + timedelta(days=365))
            return {"access": {"level": level, "granted_at": _text(time), "expires_at": expires}}
        return {}

    def _subscription(self, status: str) -> dict[str, str]:
        number = f"sub_{self._number:06}_{self._subscriptions}"
        return {"id": number, "plan": self._plan, "status": status}


def backlog(seed: int = SEED, *, events: int = EVENTS, people: int = PEOPLE) -> list[Event]:
    """Return events of people, in the order in which they happened, with growing times.

    Each person has at least one event. A person's events follow one another as in life, and lie near each
    other or far apart.
    """
    random = Random(seed)  # noqa: S311  # a backlog that is the same every time
    lengths = [1] * people
    for _ in range(events - people):
        lengths[random.randrange(people)] += 1
    happenings = sorted(
        (place, number, kind)
        for number, length in enumerate(lengths)
        for place, kind in _life(random, length, events)
    )
    cast = [Person(number, random) for number in range(people)]
    return [cast[number].event(kind, moment) for moment, (_, number, kind) in enumerate(happenings)]


def newcomers(count: int, first: int = 500_000) -> list[Event]:
    """Return one `access.granted` each of people whom no backlog knows."""
    random = Random(SEED)  # noqa: S311  # as above
    return [Person(first + number, random).event(GRANTED, 100_000 + number) for number in range(count)]


def many(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield so many messages as routing key and body: one backlog again and again, with new ids each time."""
    once = [(event.type, event.body()) for event in backlog()]
    for number in range(count):
        kind, body = once[number % len(once)]
        yield kind, body.replace(b'"evt_', f'"evt_{number // len(once)}_'.encode(), 1)


def _life(random: Random, length: int, span: int) -> list[tuple[float, str]]:
    kind = SIGNED_UP if random.random() < _NEWCOMERS else random.choice((STARTED, GRANTED, CANCELED))
    steps = [(0.0, kind)]
    for _ in range(length - 1):
        place, kind = steps[-1]
        gap = random.uniform(*(_SOON_GAP if random.random() < _SOON[kind] else _LATER_GAP))
        steps.append((place + gap, _NEXT[kind]))
    begin = random.uniform(0, max(0.0, span - steps[-1][0]))
    return [(begin + place, kind) for place, kind in steps]


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
