"""What the ledger is for: old events, doubled events, new addresses, replaced tags, one ledger for all."""

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, Worker, World, all_settled, depth, publish, readyz, until
from worker.sandbox import Fault, FaultKind, Rule, Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits."""
    async with Sandbox(limit=False, latency=0.002).running() as sandbox:
        yield sandbox


def event(number: int, kind: str, email: str = "ada@example.com", **data: dict[str, Any]) -> dict[str, Any]:
    """Return an event of one person, so many minutes into a day."""
    user = {"id": "u-1", "email": email}
    time = f"2026-07-01T10:{number:02}:00Z"
    return {"id": f"e{number}", "type": kind, "time": time, "data": {"user": user, **data}}


def granted(number: int, level: str, email: str = "ada@example.com") -> dict[str, Any]:
    """Return an `access.granted`."""
    return event(number, "access.granted", email, access={"level": level})


def moved(number: int, old: str, new: str) -> dict[str, Any]:
    """Return an event that says which address was the person's before."""
    happened = event(number, "subscription.started", f"{new}@example.com")
    happened["data"]["user"]["previous_email"] = f"{old}@example.com"
    return happened


async def settled(worker: Worker, *names: str) -> None:
    """Wait until the last events ended like this, in this order."""
    ends = {"event_applied", "event_superseded", "event_duplicate", "event_ignored", "event_dead_lettered"}
    await until(lambda: [name for name in worker.events_logged() if name in ends] == list(names))


async def test_shuffled_and_tripled_events_end_as_in_their_order(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given every event three times and in any order, everybody ends as after each once, in order."""
    events = make_events(400, 60, seed=41)
    copies = events * 3
    random.Random(41).shuffle(copies)  # noqa: S311  # repeatable on purpose
    async with Worker(world, tmp_path / "log", PREFETCH="40") as worker:
        await publish(channel, world.exchange, copies)
        await until(lambda: len([e for e in worker.events_logged() if e.startswith("event_")]) == 1200, 90)
        names = worker.events_logged()
    assert wrong_people(sandbox, events) == []
    assert names.count("event_duplicate") + names.count("event_superseded") >= 2 * len(events) * 0.9
    assert await depth(world.amqp_url, f"kit.{world.account}.dead") == 0


async def test_an_older_event_applies_only_what_is_still_newest(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given an event that is late, nothing newer is undone, and what is known is not sent again."""
    newer = event(5, "subscription.canceled", subscription={"plan": "Gold"})
    older = event(4, "subscription.started", subscription={"plan": "Silver", "started_at": "2026-07-01"})
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [newer])
        await settled(worker, "event_applied")
        await publish(channel, world.exchange, [older])
        await settled(worker, "event_applied", "event_applied")
        person = sandbox.account(KEY).find("ada@example.com")
        assert person is not None
        assert person.tags == {"Cancelled"}
        assert person.fields["mk_subscription_plan"] == "Gold"
        assert person.fields["mk_subscription_started_at"] == "2026-07-01"  # nothing newer said otherwise
        calls = sandbox.journal.count()
        await publish(channel, world.exchange, [older, newer, event(3, "subscription.canceled")])
        await settled(worker, *["event_applied"] * 2, *["event_duplicate"] * 2, "event_superseded")
        assert sandbox.journal.count() == calls


async def test_a_replayed_dead_letter_undoes_nothing(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given an event that failed, and newer ones since, its replay changes nothing that is newer."""
    rule = sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=422), path="/v4/subscribers"))
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "subscription.started")])
        await settled(worker, "event_dead_lettered")
        assert rule.struck
        sandbox.faults.clear()
        await publish(channel, world.exchange, [event(2, "subscription.canceled")])
        await settled(worker, "event_dead_lettered", "event_applied")
        await replay(world, tmp_path)
        await settled(worker, "event_dead_lettered", "event_applied", "event_superseded")
    person = sandbox.account(KEY).find("ada@example.com")
    assert person is not None
    assert person.tags == {"Cancelled"}
    assert person.fields["mk_subscription_status"] == "canceled"


async def replay(world: World, tmp_path: Path) -> None:
    """Put all dead letters back."""
    await command(world, tmp_path, "dead-letters", "replay", "--all")


async def command(world: World, tmp_path: Path, *arguments: str) -> str:
    """Run a command as people do, and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "worker", *arguments, env=world.environment(), cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_a_new_address_keeps_the_person(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a new address of a known user id, the subscriber gets it; late events of the old one follow."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [granted(1, "Gold", "old@example.com")])
        await settled(worker, "event_applied")
        before = sandbox.account(KEY).find("old@example.com")
        assert before is not None
        await publish(channel, world.exchange, [moved(5, "old", "new")])
        await settled(worker, *["event_applied"] * 2)
        await publish(channel, world.exchange, [granted(3, "Silver", "old@example.com")])
        await settled(worker, *["event_applied"] * 3)
        person = sandbox.account(KEY).find("new@example.com")
        assert person is not None
        assert person.id == before.id
        assert person.tags == {"Gold access", "Active Member", "Silver access"}
        assert sandbox.account(KEY).find("old@example.com") is None
        await publish(channel, world.exchange, [granted(7, "Bronze", "third@example.com")])
        await settled(worker, *["event_applied"] * 3, "event_dead_lettered")
        assert "identity_conflict" in worker.log_text()
        assert sandbox.account(KEY).find("third@example.com") is None
        await publish(channel, world.exchange, [moved(8, "new", "third")])
        await settled(worker, *["event_applied"] * 3, "event_dead_lettered", "event_applied")
    after = sandbox.account(KEY).find("third@example.com")
    assert after is not None
    assert (after.id, set(after.tags)) == (before.id, {"Gold access", "Active Member", "Silver access"})


async def test_the_new_address_is_in_kit_already(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a new address that another subscriber has, the tags move there and are taken off the old one."""
    newcomer = granted(2, "Silver", "new@example.com")
    del newcomer["data"]["user"]["id"]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [granted(1, "Gold", "old@example.com"), newcomer])
        await settled(worker, *["event_applied"] * 2)
        await publish(channel, world.exchange, [moved(5, "old", "new")])
        await settled(worker, *["event_applied"] * 3)
    old, new = (sandbox.account(KEY).find(f"{name}@example.com") for name in ("old", "new"))
    assert old is not None
    assert new is not None
    assert old.tags == set()
    assert new.tags == {"Gold access", "Silver access", "Active Member"}


async def test_replaced_tags(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given an entry that replaces, only the newest level stays, in whatever order they come."""
    world.write_account(
        'events: {access.granted: {add_tags: [{tag: "{mk_access_level} access", replaces: true}]}}\n'
    )
    async with Worker(world, tmp_path / "log") as worker:
        for number, level in ((2, "Gold"), (4, "Silver"), (3, "Bronze")):
            await publish(channel, world.exchange, [granted(number, level)])
            await until(lambda: worker.events_logged().count("event_applied") >= 1)
            await all_settled(worker, {2: 1, 4: 2, 3: 3}[number])
    person = sandbox.account(KEY).find("ada@example.com")
    assert person is not None
    assert person.tags == {"Silver access"}


async def test_two_ledgers_are_refused(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, http_port: int
) -> None:
    """Given a worker with a ledger of its own, a second one holds, and its words name PostgreSQL."""
    events = make_events(50, 20, seed=42)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    two = Worker(world, tmp_path / "two" / "log", WORKER_ID="two", HTTP_PORT=str(http_port))
    async with Worker(world, tmp_path / "one" / "log", WORKER_ID="one") as one:
        starting = asyncio.create_task(two.start())
        await until(lambda: "session_failed" in two.events_logged())
        assert "postgresql+asyncpg://" in two.log_text()
        status, body = await readyz(http_port)
        assert status == 503
        assert body["accounts"][world.account]["state"] == "held"
        await publish(channel, world.exchange, events)
        await all_settled(one, len(events))
        await one.stop()
        await starting  # with the first one gone, the second may work
        await two.stop(signal.SIGKILL)
    assert wrong_people(sandbox, events) == []


async def test_an_idle_worker_hands_over_within_two_seconds(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given two workers of which the active one is stopped while idle, the other takes the next event."""
    first, second = make_events(2, 1, seed=43)
    async with (
        Worker(world, tmp_path / "one", WORKER_ID="one") as one,
        Worker(world, tmp_path / "two", WORKER_ID="two") as two,
    ):
        await publish(channel, world.exchange, [first])
        await until(lambda: "event_applied" in [*one.events_logged(), *two.events_logged()])
        active, other = (one, two) if "event_applied" in one.events_logged() else (two, one)
        loop = asyncio.get_running_loop()
        began = loop.time()
        stopping = asyncio.create_task(active.stop())
        await publish(channel, world.exchange, [second])
        await until(lambda: "event_applied" in other.events_logged())
        assert loop.time() - began < 2.0
        assert await stopping == 0
    assert wrong_people(sandbox, [first, second]) == []


async def test_what_is_renamed_in_kit_is_followed_over_a_restart_and_said(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a tag and a field get other names in Kit, a deploy splits nobody, and says once what it found."""
    headers = {"X-Kit-Api-Key": KEY}
    plan = {"plan": "Gold"}
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [event(1, "subscription.started", subscription=plan)])
        await settled(worker, "event_applied")
    kit = sandbox.account(KEY)
    tag, field = kit.tags()["Active Member"], kit.custom_fields()["mk_subscription_plan"]
    async with aiohttp.ClientSession(world.kit_url, headers=headers) as session:
        await session.put(f"/v4/tags/{tag}", json={"name": "Members 2026"})
        await session.put(f"/v4/custom_fields/{field}", json={"label": "Plan"})
    logs = []
    for number in (2, 3):
        async with Worker(world, tmp_path / f"log{number}") as worker:
            bob = event(number, "subscription.started", f"bob{number}@example.com", subscription=plan)
            bob["data"]["user"]["id"] = f"u-{number}"
            await publish(channel, world.exchange, [bob])
            await settled(worker, "event_applied")
            logs.append(worker.log_text())

    assert "Active Member" not in kit.tags()
    for number in (2, 3):
        person = kit.subscriber(f"bob{number}@example.com")
        assert person.tags == {"Members 2026"}
        assert person.fields["plan"] == "Gold"
    assert [log.count("renamed_in_kit") for log in logs] == [2, 0]
    said = await command(world, tmp_path, "check", world.account)
    assert '"active member" is called "Members 2026" in Kit now' in " ".join(said.split())
