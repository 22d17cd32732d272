"""`kit-worker explain` beside a real worker: what it says before, by file, id, dead letter and type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell
from worker.sandbox import Sandbox

ADA = "ada@example.com"
MAPPING = """
events:
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
  subscription.canceled: {at: mk_subscription_ends_at, remove_tags: [Active Member], add_tags: [Cancelled]}
  access.granted: {add_tags: ["{mk_access_level} access"]}
"""


def event(number: int, kind: str, email: str = ADA, **subscription: str) -> dict[str, Any]:
    user = {"id": "u-1", "email": email}
    data = {"user": user, "subscription": {"id": f"s-{number % 2}", **subscription}}
    return {"id": f"e{number}", "type": kind, "time": f"2026-07-01T10:{number:02}:00Z", "data": data}


EVENTS = [
    event(1, "subscription.started", plan="Annual"),
    event(2, "subscription.started", plan="Monthly"),
    event(3, "access.granted"),
    event(4, "access.granted", email="other@example.com"),
]


@pytest.fixture
async def explain(world: World, channel: AbstractChannel, kit_worker: Shell, tmp_path: Path) -> Shell:
    """A member with two open subscriptions, an event that is owed a tag, and one about somebody else."""
    world.write_account(MAPPING)
    async with Worker(world, tmp_path / "log") as worker:
        for number, each in enumerate(EVENTS, 1):
            await publish(channel, world.exchange, [each])
            await until(lambda number=number: ended(worker) == number)  # type: ignore[misc]
    return kit_worker


def ended(worker: Worker) -> int:
    return sum(name.startswith("event_") for name in worker.events_logged())


async def test_each_verdict_has_its_code_and_its_reasons(explain: Shell, sandbox: Sandbox) -> None:
    before, calls = sandbox.account(KEY).subscribers(), sandbox.count(KEY)
    closes = await explain("explain", "-", stdin=json.dumps(event(6, "subscription.canceled")))
    assert (closes.code, closes.err) == (1, "")
    assert (
        "Subscription s-1: open by an event of 2026-07-01T10:01:00Z, which holds Active Member" in closes.out
    )
    assert "In Kit now: active." in closes.out

    later = event(7, "subscription.canceled", ends_at="2100-01-01T00:00:00Z")
    waits = await explain("explain", "-", "--json", stdin=json.dumps(later))
    assert (waits.code, json.loads(waits.out)["verdict"]) == (1, "scheduled")

    copy = await explain("explain", "-", stdin=json.dumps(EVENTS[0]))
    assert copy.code == 0
    assert "It would be a duplicate" in copy.out

    old = await explain(
        "explain", "-", "--json",
        stdin=json.dumps({**event(0, "subscription.started", plan="Annual"), "time": "2026-06-01T00:00:00Z"}),
    )  # fmt: skip
    assert (old.code, json.loads(old.out)["changes_something"]) == (0, False)

    conflict = await explain(
        "explain", "-", stdin=json.dumps(event(8, "access.granted", email="x@example.com"))
    )
    assert conflict.code == 6
    assert "It would be a dead letter (identity_conflict)" in conflict.out

    assert sandbox.account(KEY).subscribers() == before
    assert 0 < sandbox.count(KEY) - calls <= 4 * 5


async def test_by_the_id_of_what_came_lately_and_of_a_dead_letter(explain: Shell) -> None:
    came = await explain("explain", "--event", "e2", "--json")
    told = json.loads(came.out)
    assert (came.code, told["verdict"], told["came"]["outcome"]) == (0, "duplicate", "applied")

    letters = json.loads((await explain("dead-letters", "list", "--json")).out)
    ids = {each["event_id"]: each["id"] for listing in letters for each in listing["letters"]}
    owed = await explain("explain", "--letter", ids["e3"])
    assert owed.code == 6
    assert "mk_access_level: has no value" in owed.out
    stranger = await explain("explain", "--letter", "e4", "--json")  # its event's id, as all commands take it
    assert (stranger.code, json.loads(stranger.out)["reason"]) == (6, "identity_conflict")

    for words in (["--event", "e-none"], ["--letter", "none"], ["--event", "e1", "--letter", "x"], []):
        slip = await explain("explain", *words)
        assert (slip.code, slip.out) == (2, "")
    assert (await explain("explain", "--event", "e1", "--offline")).code == 2


async def test_what_was_changed_by_hand_in_kit_is_told_beside_what_would_be(
    explain: Shell, sandbox: Sandbox
) -> None:
    sandbox.account(KEY).delete_subscriber(ADA)
    typed = ["subscription.started", "--set", f"user.email={ADA}", "--set", "user.id=u-1"]
    gone = await explain("preview", *typed)
    assert gone.code == 1
    assert "In Kit now: nobody." in gone.out
    assert "create or update ada@example.com" in gone.out

    sandbox.fail("status", status=503)
    away = await explain("preview", *typed)
    assert away.code == 1
    assert "In Kit now: not known: " in away.out
