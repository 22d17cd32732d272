"""Dead letters at random, whose fates hang on the ledger, on the account's file, and on each other."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

pytestmark = pytest.mark.timeout(240)

START: Final = datetime(2026, 7, 1, tzinfo=UTC)

KNOWN: Final = 20
"""People whom the ledger knows from before."""


def event(
    number: str, kind: str, email: str, minute: int, user_id: str = "", **data: object
) -> dict[str, Any]:
    """An event, so many minutes after `START`."""
    user = {"email": email, **({"id": user_id} if user_id else {})}
    time = (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")
    return {"id": number, "type": kind, "time": time, "data": {"user": user, **data}}


def before() -> list[dict[str, Any]]:
    """What a worker applies first: a sign-up of everybody known, and some subscriptions."""
    people = {at: f"known{at}@example.com" for at in range(KNOWN)}
    signed_up = [event(f"b{at + 2}", "user.signed_up", email, 100, f"u-{at}") for at, email in people.items()]
    subscribed = [
        event(f"s{at}", "subscription.started", people[at], 100, f"u-{at}", subscription={"id": f"sub-{at}"})
        for at in range(KNOWN // 2)
    ]
    return [*signed_up, *subscribed]


@dataclass
class Letters:
    """Dead letters at random, whose fates hang on the ledger, on the file, and on each other."""

    chance: random.Random
    made: list[tuple[dict[str, Any] | bytes, str]] = field(default_factory=list)
    addresses: dict[int, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[tuple[dict[str, Any] | bytes, str]]:
        """Yield what each letter's event was, and its routing key."""
        for number in range(200):
            said = self._one(f"e{number}", number)
            kind = said["type"] if isinstance(said, dict) else "user.signed_up"
            key = f"{kind}.another-app" if self.chance.random() < 0.02 else kind
            self.made.append((said, key))
            yield said, key

    def _one(self, name: str, number: int) -> dict[str, Any] | bytes:
        minute, at = self.chance.randrange(200), self.chance.randrange(KNOWN)
        email, new = self.addresses.get(at, f"known{at}@example.com"), f"new{number // 3}@example.com"
        moved = f"moved{number}@example.com"
        subscription = {"id": f"sub-{self.chance.randrange(at + 1)}"}
        starts = (datetime.now(UTC) + timedelta(days=minute % 5 - 1)).isoformat()
        plan = {"plan": "Gold"} if minute % 2 else {}
        made = self.chance.choice((
            self.chance.choice(self.made)[0] if self.made else b"[]",
            self.chance.choice(before()),
            self.chance.choice((b"not JSON", b'{"id": "%s", "data": ' % name.encode())),
            event(name, "user.signed_up", "nobody at all", minute),
            event(name, "user.signed_up", f"other{number}@example.com", minute, f"u-{at}"),
            event(name, "user.signed_up", "gone@example.com", minute),
            event(name, "user.signed_up", self.chance.choice((email, new)), minute),
            event(name, "user.updated", moved, 200 + number, f"u-{at}"),
            event(name, "order.shipped", email, minute),
            event(name, "order.paid", new, minute, test=True),
            event(name, "order.paid", new, minute, **plan),
            event(name, "course.booked", new, minute, starts=starts),
            event(name, "news.read", f"reader{number}@example.com", minute),
            event(name, "subscription.started", email, minute, f"u-{at}", subscription=subscription),
            event(name, "subscription.canceled", email, minute, f"u-{at}", subscription=subscription),
        ))  # fmt: skip
        if isinstance(made, dict) and made["type"] == "user.updated":
            self.addresses[at] = moved
        return made
