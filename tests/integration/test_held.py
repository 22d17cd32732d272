"""Of a flood of sign-ups a real worker tags as many as may be, holds the rest, and tags whom one allows."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, all_settled, publish, until
from tests.integration.shell import Shell
from worker.sandbox import Fault, FaultKind, Rule, Sandbox

ADDING = "/v4/tags/{tag_id}/subscribers/{id}"
MOST = 2400
FILE = f"""
events:
  user.signed_up: {{add_tags: [New Member]}}
  user.left: {{remove_tags: [New Member]}}
options: {{max_new_taggings_per_hour: {MOST}}}
"""


def signed_up(count: int) -> list[dict[str, Any]]:
    """Return that so many people have signed up, within a year."""
    return [
        {
            "id": f"s{number}",
            "type": "user.signed_up",
            "time": f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00Z",
            "data": {"user": {"id": f"u-{number}", "email": f"person{number}@example.com"}},
        }
        for number in range(count)
    ]


def tagged(sandbox: Sandbox) -> set[str]:
    """Return who has the tag."""
    people = sandbox.account(KEY).subscribers()
    return {email for email, person in people.items() if "New Member" in person.tags}


@pytest.mark.parametrize("bulk", [False, True], ids=["single calls", "bulk calls"])
async def test_of_a_years_sign_ups_no_more_are_tagged_than_may_be_and_the_rest_when_it_is_allowed(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path, bulk: bool
) -> None:
    """Given 3,000 sign-ups at once, 2,400 are tagged; the rest is told, and goes once somebody says so."""
    world.write_account(FILE, known_by="access_token_env" if bulk else "api_key_env")
    events = signed_up(3000)
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events), 180)
        first = tagged(sandbox)
        assert len(first) == MOST
        told = next(line for line in worker.log_lines() if line["event"] == "taggings_held")
        assert "user.signed_up: New Member" in str(told["asked_by"])

        plan = json.loads((await kit_worker("allow", world.account, "--json")).out)
        assert (plan["count"], plan["on_the_way"]) == (len(events) - MOST, 0)
        assert [(each["tag"], each["event_type"]) for each in plan["groups"]] == [
            ("New Member", "user.signed_up")
        ]
        stale = await kit_worker("allow", world.account, "--plan", plan["hash"][:-1] + "x")
        assert stale.code == 2

        left = next(each for each in events if each["data"]["user"]["email"] not in first)
        gone = {**left, "id": "gone", "type": "user.left", "time": "2026-01-01T10:00:00Z"}
        await publish(channel, world.exchange, [gone])
        await all_settled(worker, len(events) + 1)
        some = await kit_worker("allow", world.account, "--count", "10")
        assert some.code == 1
        await until(lambda: len(tagged(sandbox)) == MOST + 10, 60)

        plan = json.loads((await kit_worker("allow", world.account, "--json")).out)
        assert plan["count"] == len(events) - MOST - 11
        rest = await kit_worker("allow", world.account, "--plan", plan["hash"])
        assert rest.code == 0, rest.out
        await until(lambda: len(tagged(sandbox)) == len(events) - 1, 180)
        everybody = {each["data"]["user"]["email"] for each in events}
        assert tagged(sandbox) == everybody - {left["data"]["user"]["email"]}
    adds = [call for call in sandbox.calls(KEY) if call.endpoint == f"POST {ADDING}"]
    assert bulk or len(adds) == len(events) - 1, "each is called once"


@pytest.mark.parametrize("known_by", ["api_key_env", "access_token_env"], ids=["single calls", "bulk calls"])
async def test_however_often_workers_are_killed_and_kit_fails_no_more_are_tagged_than_may_be(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path, known_by: str
) -> None:
    """Given kills of two workers in turn, and a Kit that fails, the limit holds, and none is lost."""
    world.write_account(FILE.replace(str(MOST), "200"), known_by=known_by)
    events = signed_up(600)
    sandbox.faults.add(Rule(Fault(FaultKind.RESET, applied=True), method="POST", every=17))
    workers = [Worker(world, tmp_path / "log", WORKER_ID=name) for name in ("one", "two")]
    for number in range(4):
        worker = workers[number % 2]
        seen = sandbox.count(KEY)
        await worker.start()
        if not number:
            await publish(channel, world.exchange, events)
        await until(lambda seen=seen: sandbox.count(KEY) > seen + 5)  # type: ignore[misc]
        await worker.stop(signal.SIGKILL)
    sandbox.faults.clear()
    async with Worker(world, tmp_path / "log", WORKER_ID="three") as worker:
        await all_settled(worker, len(events), 180)
        assert len(tagged(sandbox)) <= 200
        adds = [call for call in sandbox.calls(KEY) if call.endpoint == f"POST {ADDING}"]
        assert sum(call.status == 201 for call in adds) <= 200
        plan = json.loads((await kit_worker("allow", world.account, "--json")).out)
        # Whom a killed worker tagged, and could not say so any more, may be held as well as tagged.
        assert plan["count"] >= len(events) - len(tagged(sandbox))
        assert (await kit_worker("allow", world.account, "--plan", plan["hash"])).code == 0
        await until(lambda: len(tagged(sandbox)) == len(events), 120)
