"""What takes effect later, by real processes: in time, once, and whatever happens over the moment."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, depth, publish, until
from tests.integration.shell import Shell
from worker.clock import Clock
from worker.consumer.due_message import due_effect
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.sandbox import Fault, FaultKind, Rule, Sandbox
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import Item, Later
from worker.subscribers.known import Batch
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

pytestmark = pytest.mark.timeout(120)

SOON = 4.0
"""Seconds until something is due: enough for its event to be settled before."""
IN_TIME = 5.0
"""Seconds after its moment within which it is true in Kit."""
MAPPING = """
events:
  subscription.canceled: {at: mk_subscription_ends_at, remove_tags: [Active Member], add_tags: [Cancelled]}
  user.updated: {add_tags: [Updated]}
  access.granted: {add_tags: [{tag: "{mk_access_level} access", until: mk_access_expires_at}]}
"""


@pytest.fixture
def world(world: World) -> World:
    """One account in which closings and accesses have their time."""
    world.write_account(MAPPING)
    return world


def event(kind: str, email: str, number: int = 1, **data: Any) -> dict[str, Any]:  # noqa: ANN401  # any of its data
    """Return an event of this minute; of one person, those with greater numbers are later."""
    at = datetime.fromtimestamp(time.time() - 60 + number, UTC).isoformat()
    data = {"user": {"email": email, "id": f"u-{email}"}, **data}
    return {"id": f"{kind}-{email}-{number}", "type": kind, "time": at, "data": data}


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat()


def canceled(email: str, seconds: float, number: int = 2) -> dict[str, Any]:
    return event(
        "subscription.canceled", email, number, subscription={"id": "s-1", "ends_at": moment(seconds)}
    )


def started(email: str, number: int = 1) -> dict[str, Any]:
    return event("subscription.started", email, number, subscription={"id": "s-1", "plan": "Annual"})


def tags(sandbox: Sandbox, email: str) -> set[str]:
    person = sandbox.account(KEY).find(email)
    return set() if person is None else set(person.tags)


def count(worker: Worker, name: str) -> int:
    return worker.events_logged().count(name)


async def test_an_effect_comes_at_its_time_unless_something_newer_takes_it_back(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given closings and an access with an end, each has its effect then; who starts again stays."""
    ann, bob, eve = "ann@example.com", "bob@example.com", "eve@example.com"
    async with Worker(world, tmp_path / "log") as worker:
        due_at = time.time() + SOON
        access = {"level": "Gold", "expires_at": moment(SOON)}
        events = [started(ann), canceled(ann, SOON), started(bob), canceled(bob, SOON), started(bob, 3)]
        events.append(event("access.granted", eve, access=access))
        await publish(channel, world.exchange, [*events, *events[:2]])
        await until(lambda: sum(count(worker, f"event_{end}") for end in ENDS) == len(events) + 2)
        assert time.time() < due_at, "this machine is too slow for this test"
        assert [tags(sandbox, each) for each in (ann, bob, eve)] == [
            {"Active Member"}, {"Active Member"}, {"Gold access"},
        ]  # fmt: skip
        assert count(worker, "event_scheduled") == 2
        await until(lambda: tags(sandbox, ann) == {"Cancelled"} and not tags(sandbox, eve))
        assert due_at <= time.time() <= due_at + IN_TIME
        await until(lambda: sum(count(worker, f"event_{end}") for end in ENDS) == len(events) + 5)
    assert tags(sandbox, bob) == {"Active Member"}
    assert count(worker, "event_dead_lettered") == 0
    assert await depth(world.amqp_url, f"kit.{world.account}") == 0


ENDS = ("applied", "scheduled", "superseded", "duplicate", "ignored", "dead_lettered")


async def test_a_worker_that_was_killed_meanwhile_is_in_time(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a worker that is killed between an event and its time, the next one brings the effect in time."""
    async with Worker(world, tmp_path / "log") as worker:
        due_at = time.time() + SOON
        await publish(channel, world.exchange, [canceled("ann@example.com", SOON)])
        await until(lambda: count(worker, "event_scheduled") == 1)
        await worker.stop(signal.SIGKILL)
        assert time.time() < due_at, "this machine is too slow for this test"
        await worker.start()
        began = time.time()
        await until(lambda: tags(sandbox, "ann@example.com") == {"Cancelled"})
        assert due_at <= time.time() <= max(due_at, began) + IN_TIME
        await until(lambda: count(worker, "event_applied") == 1)
    assert count(worker, "event_duplicate") == 0


async def test_an_effect_that_fell_due_while_nobody_worked_comes_with_the_next_worker(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [canceled("ann@example.com", 1.0)])
        await until(lambda: count(worker, "event_scheduled") + count(worker, "event_applied") == 1)
        await worker.stop()
        await asyncio.sleep(1.0)  # for the moment to pass
        await worker.start()
        began = time.time()
        await until(lambda: tags(sandbox, "ann@example.com") == {"Cancelled"})
        assert time.time() <= began + IN_TIME


async def test_of_two_workers_one_publishes_and_the_other_stands_in_for_one_that_is_killed(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given twenty effects of one moment, and one of two workers killed, each comes once, in time."""
    people = [f"p{number}@example.com" for number in range(20)]
    async with (
        Worker(world, tmp_path / "one", WORKER_ID="one") as one,
        Worker(world, tmp_path / "two", WORKER_ID="two") as two,
    ):
        workers = (one, two)
        due_at = time.time() + SOON
        await publish(channel, world.exchange, [canceled(each, SOON) for each in people])
        await until(lambda: sum(count(each, "event_scheduled") for each in workers) == len(people))
        await (one if count(one, "event_scheduled") else two).stop(signal.SIGKILL)
        assert time.time() < due_at, "this machine is too slow for this test"
        await until(lambda: all(tags(sandbox, each) == {"Cancelled"} for each in people))
        assert due_at <= time.time() <= due_at + IN_TIME
        await until(lambda: sum(count(each, "event_applied") for each in workers) == len(people))
    assert sum(count(each, "event_duplicate") for each in workers) == 0


async def test_a_paused_account_has_its_effects_in_its_queue(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given an account that is paused over the moment, the effect waits like any event, and comes then."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [canceled("ann@example.com", SOON)])
        await until(lambda: count(worker, "event_scheduled") == 1)
        await kit_worker("pause", world.account)
        await until(lambda: count(worker, "account_paused") == 1)
        async with asyncio.timeout(SOON + IN_TIME):
            while await depth(world.amqp_url, f"kit.{world.account}") != 1:
                await asyncio.sleep(0.1)
        assert tags(sandbox, "ann@example.com") == set()
        await kit_worker("resume", world.account)
        await until(lambda: tags(sandbox, "ann@example.com") == {"Cancelled"})


async def test_who_is_forgotten_has_nothing_to_come(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given what is due of two people, one of whom is forgotten, only the other's effect comes."""
    async with Worker(world, tmp_path / "log") as worker:
        seconds = 3 * SOON
        await publish(
            channel, world.exchange, [canceled(f"{who}@example.com", seconds) for who in ("ann", "bob")]
        )
        await until(lambda: count(worker, "event_scheduled") == 2)
        before = json.loads((await kit_worker("history", "--email", "ann@example.com", "--json")).out)
        forgotten = json.loads((await kit_worker("forget", "ann@example.com", "--yes", "--json")).out)
        after = await kit_worker("history", "--email", "ann@example.com")
        await until(lambda: tags(sandbox, "bob@example.com") == {"Cancelled"})
    assert [line["outcome"] for line in before] == ["scheduled", "due"]
    assert before[1]["detail"].startswith("tag 'Active Member' off, tag 'Cancelled', mk_")
    assert forgotten[0]["due"] == 1
    assert after.out.startswith("Nothing is known of that.")
    assert sandbox.account(KEY).find("ann@example.com") is None


async def test_what_is_due_follows_whom_it_is_about(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a person who gets another address before the moment, the effect comes there, to nobody else."""
    old, new = "ann@example.com", "ann.new@example.com"
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [started(old), canceled(old, 2 * SOON)])
        await until(lambda: count(worker, "event_scheduled") == 1)
        moves = event("user.updated", new, 3)
        moves["data"]["user"]["id"] = f"u-{old}"
        await publish(channel, world.exchange, [moves])
        await until(lambda: tags(sandbox, new) == {"Active Member", "Updated"})
        due = json.loads((await kit_worker("history", "--email", old, "--json")).out)[-1]
        await until(lambda: tags(sandbox, new) == {"Cancelled", "Updated"})
    assert (due["outcome"], due["email"]) == ("due", new)
    assert sandbox.account(KEY).find(old) is None
    assert count(worker, "event_dead_lettered") == 0


async def test_a_dead_letter_of_what_was_due_is_replayed(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a Kit that refuses the effect, it is a dead letter, and its replay brings it."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [canceled("ann@example.com", SOON)])
        await until(lambda: count(worker, "event_scheduled") == 1)
        sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=422), method="POST"))
        await until(lambda: count(worker, "event_dead_lettered") == 1)
        sandbox.faults.clear()
        replayed = await kit_worker("dead-letters", "replay", "--all")
        await until(lambda: tags(sandbox, "ann@example.com") == {"Cancelled"})
    assert "1" in replayed.out
    assert count(worker, "event_applied") == 1


# -- a long plan --------------------------------------------------------------------------------------------


def timer(world: World, email: str) -> DueEffect:
    """Return what is due now, as the worker would have kept it."""
    body = json.dumps(canceled(email, -1.0)).encode()
    delivery = Delivery(body, "subscription.canceled", exchange=world.exchange, received_at=datetime.now(UTC))
    happened = decode(delivery, arrival=1)
    later = Later(datetime.now(UTC), "tag 'Cancelled'", alone=True)
    effect = due_effect(Item(delivery, happened, email, later=later, subscriber=Subscriber(Record(email))))
    assert effect is not None
    return effect


async def test_a_thousand_effects_at_once_keep_no_live_event_waiting(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a thousand effects of one moment, an event that comes meanwhile waits behind few of them."""
    plan = 1000
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/data/ledger.db")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        due = [timer(world, f"p{number}@example.com") for number in range(plan)]
        tenure = await ledger.take(world.account)
        await ledger.save(tenure, Batch(due=due))
        await ledger.release(tenure)
    sandbox.latency = 0.05
    async with Worker(world, tmp_path / "log", KIT_CONCURRENCY="4") as worker:
        await until(lambda: count(worker, "event_applied") >= 20)
        before = count(worker, "event_applied")
        await publish(channel, world.exchange, [started("ann@example.com")])
        await until(lambda: "subscription.started" in applied(worker), seconds=60)
        ahead = applied(worker).index("subscription.started")
        await until(lambda: count(worker, "event_applied") == plan + 1, seconds=100)
    assert ahead - before <= 50  # those that ended while it was on its way, and its turns with the others
    assert count(worker, "event_duplicate") == 0
    assert sum("Cancelled" in person.tags for person in sandbox.account(KEY).subscribers().values()) == plan


def applied(worker: Worker) -> list[str]:
    """Return the types of events that were applied, in order."""
    return [line["event_type"] for line in worker.log_lines() if line["event"] == "event_applied"]
