"""Members under one file who are to be brought under another, and which tags they should have then."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from aio_pika.abc import AbstractChannel

from tests.integration.harness import Worker, World, publish, until
from worker.sandbox import Person

PEOPLE: Final = int(os.environ.get("APPLY_PEOPLE", "300"))
"""With 10,000 it takes some ten minutes."""
FILE = """
events:
  user.signed_up: {add_tags: [New Member]}
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
  subscription.canceled: {remove_tags: [Active Member, Annual Plan, Yearly Plan], add_tags: [Cancelled]}
fields: {mk_subscription_plan: Plan}
options: {max_new_taggings_per_hour: 1000000}
"""
NEW = FILE.replace("add_tags: [New Member]", "add_tags: [Newcomer]").replace(
    "add_tags: [Annual Plan]", "add_tags: [Yearly Plan]"
)


def address(number: int) -> str:
    return f"person{number}@example.com"


def event(number: int, kind: str, minute: int) -> dict[str, Any]:
    user = {"id": f"u-{number}", "email": address(number)}
    subscription = {"id": f"s-{number}", "plan": "Annual" if number % 2 else "Monthly"}
    data = {"user": user, **({"subscription": subscription} if kind.startswith("subscription") else {})}
    return {"id": f"{kind}-{number}", "type": kind, "time": f"2026-07-01T10:{minute:02}:00Z", "data": data}


def should_have(number: int, *, canceled: bool = False) -> set[str]:
    """Return the tags by the new file."""
    if canceled:
        return {"Newcomer", "Cancelled"}
    return {"Newcomer", "Active Member", *(["Yearly Plan"] if number % 2 else [])}


async def settled(worker: Worker, count: int) -> None:
    """Wait until so many events of the platform have ended, under whichever process."""
    ends = {"event_applied", "event_superseded", "event_duplicate", "event_dead_lettered"}

    def ended() -> int:
        lines = worker.log_lines()
        return len({line["event_id"] for line in lines if line["event"] in ends and "-apply" not in line})

    await until(lambda: ended() >= count, seconds=40 + PEOPLE / 10)


async def reloaded(worker: Worker) -> None:
    await until(lambda: "config_reloaded" in worker.events_logged())


def tags(people: dict[str, Person]) -> dict[str, set[str]]:
    return {email: set(person.tags) for email, person in people.items()}


def timers(folder: Path) -> int:
    """Return how many timers the ledger of a test holds."""
    (path,) = folder.rglob("ledger.db")
    with closing(sqlite3.connect(path)) as ledger:
        count: int = ledger.execute("SELECT count(*) FROM due").fetchone()[0]
    return count


async def members(
    world: World, worker: Worker, channel: AbstractChannel, known_by: str = "api_key_env"
) -> None:
    """Let everybody sign up and subscribe, under the old file, and put the new one into force."""
    for kind, minute in (("user.signed_up", 1), ("subscription.started", 2)):
        await publish(channel, world.exchange, [event(number, kind, minute) for number in range(PEOPLE)])
    await settled(worker, 2 * PEOPLE)
    world.write_account(NEW, known_by=known_by)
    await reloaded(worker)
