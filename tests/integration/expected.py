"""Events, and what should be true of everybody after them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.harness import KEY
from worker.sandbox import Sandbox

START = datetime(2026, 7, 1, tzinfo=UTC)
LEVELS = ("Gold", "Silver", "Bronze")
PLANS = ("Annual", "Monthly")


@dataclass
class Person:
    """What should be true of a person in the end."""

    tags: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    first_name: str | None = None


def make_events(count: int, people: int, seed: int) -> list[dict[str, Any]]:
    """Return events in order of time, each a second after the one before."""
    return list(itertools.islice(endless_events(people, seed), count))


def endless_events(people: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield events as `make_events` returns them, without an end."""
    chance = random.Random(seed)  # noqa: S311  # repeatable on purpose
    for number in itertools.count():
        yield _event(chance, number, f"person{chance.randrange(people)}@example.com")


def _event(chance: random.Random, number: int, email: str) -> dict[str, Any]:
    kind = chance.choice(
        ["subscription.started", "subscription.canceled", "access.granted", "user.signed_up"]
    )
    data: dict[str, Any] = {"user": {"email": email, "id": f"u-{email}"}}
    if kind.startswith("subscription"):
        data["subscription"] = {"plan": chance.choice(PLANS)}
    elif kind == "access.granted":
        data["access"] = {"level": chance.choice(LEVELS)}
    else:
        data["user"]["first_name"] = f"Name{number}"
    time = (START + timedelta(seconds=number)).isoformat().replace("+00:00", "Z")
    return {"id": f"e{number}", "type": kind, "time": time, "data": data}


def expected(events: Iterable[Mapping[str, Any]]) -> dict[str, Person]:
    """Return what should be true of everybody, by address, after these events, applied in order of time."""
    everybody: dict[str, Person] = {}
    addresses: dict[str, str] = {}
    for event in sorted(events, key=lambda event: event["time"]):
        user, kind, time = event["data"]["user"], event["type"], event["time"]
        person = everybody.setdefault(user["id"], Person())
        addresses[user["id"]] = user["email"]
        person.fields["mk_user_id"] = user["id"]
        if kind == "user.signed_up":
            person.first_name = user["first_name"]
            person.fields["mk_signed_up_at"] = time
        elif kind == "subscription.started":
            person.tags = person.tags - {"Cancelled"} | {"Active Member"}
            person.fields |= _subscribed(event, "active", "mk_subscription_started_at")
            person.fields.pop("mk_subscription_canceled_at", None)
        elif kind == "subscription.canceled":
            person.tags = person.tags - {"Active Member"} | {"Cancelled"}
            person.fields |= _subscribed(event, "canceled", "mk_subscription_canceled_at")
        else:
            level = event["data"]["access"]["level"]
            person.tags.add(f"{level} access")
            person.fields |= {"mk_access_level": level, "mk_access_granted_at": time}
    return {addresses[user_id]: person for user_id, person in everybody.items()}


def _subscribed(event: Mapping[str, Any], status: str, time_field: str) -> dict[str, str]:
    return {
        "mk_subscription_plan": event["data"]["subscription"]["plan"],
        "mk_subscription_status": status,
        time_field: event["time"],
    }


def wrong_people(sandbox: Sandbox, events: Iterable[Mapping[str, Any]], key: str = KEY) -> list[str]:
    """Return a line for everybody whose tags or fields are not what they should be."""
    wrong = []
    account = sandbox.account(key)
    for email, should in expected(events).items():
        person = account.find(email)
        if person is None:
            wrong.append(f"{email} is missing")
        elif (is_now := Person(set(person.tags), dict(person.fields), person.first_name)) != should:
            wrong.append(f"{email}: {is_now} for {should}")
    return wrong
