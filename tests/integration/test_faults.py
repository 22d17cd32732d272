"""Nobody has a wrong tag, whatever fails: real worker processes, a real RabbitMQ, the sandbox as Kit."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, Worker, World, all_settled, depth, publish, until
from tests.integration.shell import Shell
from worker.sandbox import Fault, FaultKind, Rule, Sandbox, overlaps
from worker.sandbox.records import Plan

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits, whose answers take a little."""
    async with Sandbox(limit=False, latency=0.01).running() as sandbox:
        yield sandbox


async def dead_letters(world: World) -> int:
    return await depth(world.amqp_url, f"kit.{world.account}.dead")


async def test_four_kills_under_load(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a worker that is killed four times in mid-work, everybody ends right, with no dead letter."""
    events = make_events(1500, 200, seed=1)
    worker = Worker(world, tmp_path / "log")
    await worker.start()
    publishing = asyncio.create_task(publish(channel, world.exchange, events))
    for calls in (100, 250, 400, 550):
        await until(lambda calls=calls: sandbox.journal.count() >= calls)  # type: ignore[misc]
        await worker.stop(signal.SIGKILL)
        await worker.start()
    await publishing
    await all_settled(worker, len(events))
    assert await worker.stop() == 0
    assert wrong_people(sandbox, events) == []
    assert await dead_letters(world) == 0


@pytest.mark.parametrize("known_by", ["api_key_env", "access_token_env"])
async def test_a_full_plan_refuses_who_is_new_until_it_is_upgraded(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, known_by: str
) -> None:
    """Given a plan without room, whoever Kit has gets all that is due, and the others get it by a replay."""
    world.write_account(known_by=known_by)
    events = make_events(300, 40, seed=15)
    emails = sorted({event["data"]["user"]["email"] for event in events})
    kit = sandbox.account(KEY)
    for email in emails[::2]:
        kit.add_subscriber(email)
    kit.account.plan = Plan(subscriber_limit=len(emails[::2]))
    known = [event for event in events if event["data"]["user"]["email"] in emails[::2]]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events))
        assert await dead_letters(world) == len(events) - len(known)
        assert wrong_people(sandbox, known) == []
        assert kit.subscribers().keys() == set(emails[::2])
        log = worker.events_logged()
        assert "hold_started" not in log
        assert "change_crashed" not in log

        kit.account.plan = Plan()
        replayed = await Shell(world, tmp_path)("dead-letters", "replay", "--reason", "kit_plan_full")
        assert replayed.code == 0, replayed.err
        ends = ("event_applied", "event_superseded", "event_duplicate")
        await until(lambda: sum(map(worker.events_logged().count, ends)) == len(events), 60)
    assert await dead_letters(world) == 0
    assert wrong_people(sandbox, events) == []


NOTES = """
events:
  order.paid: {add_tags: [Buyer], remove_tags: [Never made]}
fields: {data.order.note: Note, data.order.size: Size}
options: {create_missing: true}
"""


def with_a_note(number: int) -> dict[str, object]:
    """Return an order, every second of which has a note."""
    order = {"size": "XL", **({"note": f"note {number}"} if number % 2 else {})}
    data = {"user": {"email": f"p{number}@example.com"}, "order": order}
    return {"id": f"e{number}", "type": "order.paid", "time": "2026-07-01T12:00:00Z", "data": data}


@pytest.mark.parametrize("known_by", ["api_key_env", "access_token_env"])
async def test_a_plan_without_room_for_a_field_costs_that_field_alone_until_it_is_upgraded(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, known_by: str
) -> None:
    """Given a field that Kit does not make, all else is applied, and a replay sets it and nothing else."""
    world.write_account(NOTES, known_by=known_by)
    kit = sandbox.account(KEY)
    kit.add_custom_field("Size")
    kit.account.plan = Plan(custom_field_limit=1)
    noted = {f"p{number}@example.com": f"note {number}" for number in range(1, 40, 2)}
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, map(with_a_note, range(40)))
        await all_settled(worker, 40)
        assert {(each.tags, each.fields["size"]) for each in kit.subscribers().values()} == {
            (frozenset({"Buyer"}), "XL")
        }
        assert await dead_letters(world) == len(noted)
        lines = [line for line in worker.log_lines() if line["event"] == "event_dead_lettered"]
        assert {line["reason"] for line in lines} == {"partly_applied"}
        assert {line["detail"].partition(":")[0] for line in lines} == {"the custom field 'Note'"}
        assert kit.tags().keys() == {"Buyer"}

        kit.account.plan = Plan()
        before = len(sandbox.calls(KEY))
        replayed = await Shell(world, tmp_path)("dead-letters", "replay", "--reason", "partly_applied")
        assert replayed.code == 0, replayed.err
        await until(lambda: worker.events_logged().count("event_applied") == 40, 60)
    assert await dead_letters(world) == 0
    found = {email: each.fields.get("note") for email, each in kit.subscribers().items()}
    assert found == {email: noted.get(email) for email in found}
    assert not [call for call in sandbox.calls(KEY)[before:] if "/tags" in call.path]


def mixed_faults() -> list[Rule]:
    """Return 38 faults, one request each, spread over the calls of a run."""
    kinds = [
        *[Fault(FaultKind.STATUS, status=503)] * 8,
        *[Fault(FaultKind.RESET)] * 6,
        *[Fault(FaultKind.RESET, applied=True)] * 4,
        *[Fault(FaultKind.HTML)] * 5,
        *[Fault(FaultKind.RATE_LIMITED)] * 3,
        *[Fault(FaultKind.STATUS, status=502, applied=True)] * 8,
        *[Fault(FaultKind.CUT_JSON)] * 2,
        *[Fault(FaultKind.LOGIN)] * 2,
    ]
    return [Rule(kind, times=1, skip=10 * number) for number, kind in enumerate(kinds)]


async def test_38_mixed_faults_of_kit(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a Kit that fails in every way now and then, everybody ends right, with no dead letter."""
    events = make_events(800, 150, seed=2)
    rules = [sandbox.faults.add(rule) for rule in mixed_faults()]
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events), seconds=150)
    assert sum(rule.struck for rule in rules) == len(rules) == 38
    assert wrong_people(sandbox, events) == []
    assert await dead_letters(world) == 0


BAD = {
    "not JSON": b"nonsense",
    "not UTF-8": b'{"type": "\xff"}',
    "not an object": b"[1, 2]",
    "no data": b'{"type": "user.signed_up"}',
    "no email": b'{"type": "user.signed_up", "data": {"user": {"id": 1}}}',
    "no address": b'{"type": "user.signed_up", "data": {"user": {"email": "nobody"}}}',
    "no time": b'{"type": "user.signed_up", "time": "2026-07-01", "data": {"user": {"email": "a@b.co"}}}',
    "no level": b'{"type": "access.granted", "data": {"user": {"email": "a@b.co"}}}',
}


async def test_eight_kinds_of_bad_message(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given eight bad messages and a good one behind them, there are eight dead letters with reasons."""
    good = make_events(1, 1, seed=3)
    async with Worker(world, tmp_path / "log") as worker:
        exchange = await channel.get_exchange(world.exchange)
        for body in BAD.values():
            await exchange.publish(aio_pika.Message(body), "access.granted")
        await publish(channel, world.exchange, good)
        await until(lambda: worker.events_logged().count("event_dead_lettered") == len(BAD))
        await until(lambda: "event_applied" in worker.events_logged())
    queue = await channel.get_queue(f"kit.{world.account}.dead")
    letters = [await queue.get() for _ in BAD]
    assert sorted(letter.body for letter in letters if letter) == sorted(BAD.values())
    assert all(letter.headers["x-reason"] and letter.headers["x-detail"] for letter in letters if letter)
    assert wrong_people(sandbox, good) == []


async def test_nothing_secret_is_logged(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given all sorts of trouble, no line at the default level holds the key or a whole address."""
    events = make_events(60, 20, seed=4)
    sandbox.faults.add(Rule(Fault(FaultKind.STATUS, status=500), every=9, times=5))
    sandbox.faults.add(Rule(Fault(FaultKind.RESET), every=11, times=2))
    async with Worker(world, tmp_path / "log") as worker:
        exchange = await channel.get_exchange(world.exchange)
        for body in BAD.values():
            await exchange.publish(aio_pika.Message(body), "access.granted")
        await publish(channel, world.exchange, events)
        await all_settled(worker, len(events))
        await worker.stop()
        text = worker.log_text()
    assert KEY not in text
    assert "@example.com" in text  # the addresses are there, masked
    assert "person" not in text
    assert "a@b.co" not in text


async def test_sigterm_under_load_hands_back_what_is_left(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given SIGTERM in mid-work, the worker ends in its grace with exit 0, and another one ends the work."""
    events = make_events(1000, 300, seed=5)
    worker = Worker(world, tmp_path / "log", SHUTDOWN_GRACE="8")
    await worker.start()
    await publish(channel, world.exchange, events)
    calls = sandbox.journal.count()
    await until(lambda: sandbox.journal.count() > calls + 50)
    started = asyncio.get_running_loop().time()
    assert await worker.stop() == 0
    assert asyncio.get_running_loop().time() - started < 8
    assert not [call for call in sandbox.journal.calls if call.status is None]  # no call was torn
    await worker.start()
    await all_settled(worker, len(events))
    await worker.stop()
    assert wrong_people(sandbox, events) == []
    assert await dead_letters(world) == 0


async def test_two_workers_never_touch_one_account_at_once(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given two workers of which the active one is stopped, the other takes over, and no calls overlap."""
    events = make_events(600, 100, seed=6)
    async with (
        Worker(world, tmp_path / "one", WORKER_ID="one") as one,
        Worker(world, tmp_path / "two", WORKER_ID="two") as two,
    ):
        await publish(channel, world.exchange, events[:300])
        await until(lambda: "event_applied" in {*one.events_logged(), *two.events_logged()})
        active = one if "event_applied" in one.events_logged() else two
        await active.stop()
        await publish(channel, world.exchange, events[300:])
        other = two if active is one else one
        await until(lambda: "event_applied" in other.events_logged())

        def settled() -> int:
            lines = [*one.log_lines(), *two.log_lines()]
            return len({line["event_id"] for line in lines if line["event"] == "event_applied"})

        await until(lambda: settled() == len(events), 60)
    assert wrong_people(sandbox, events) == []
    assert {call.user_agent.partition("(")[2] for call in sandbox.journal.calls} == {"one)", "two)"}
    assert overlaps(sandbox.journal.calls) == []
