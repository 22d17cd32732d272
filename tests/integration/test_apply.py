"""`kit-worker apply` beside a real worker: what the plan said is what then happens, whatever comes."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, MANY, Worker, World, publish, until
from tests.integration.members import (
    FILE,
    NEW,
    PEOPLE,
    address,
    event,
    members,
    reloaded,
    settled,
    should_have,
    tags,
    timers,
)
from tests.integration.shell import Ended, Shell
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(90 + PEOPLE / 4)


async def test_live_events_kills_and_a_failing_kit_change_nothing_about_the_end(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a plan, and meanwhile cancellations, a kill and errors of Kit, all end as the new file says."""
    world.write_account(FILE)
    plan = str(tmp_path / "plan.json")
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        before = tags(sandbox.account(KEY).subscribers())

        shown = await kit_worker("apply", world.account, "--save", plan)
        assert shown.code == 1, shown.err
        assert f"{PEOPLE:,} of {PEOPLE:,} people would be treated otherwise." in shown.out
        assert tags(sandbox.account(KEY).subscribers()) == before

        running = asyncio.create_task(kit_worker("apply", world.account, "--plan", plan))
        some = range(0, PEOPLE, 5)
        await until(lambda: "Newcomer" in sandbox.account(KEY).tags())
        sandbox.fail("status", status=503, times=3)
        await publish(channel, world.exchange, [event(each, "subscription.canceled", 9) for each in some])
        await worker.stop(signal.SIGKILL)
        await worker.start()
        done = await running
        await settled(worker, 2 * PEOPLE + len(some))

    assert (done.code, done.err) == (0, "")
    assert f"Done: {PEOPLE:,} people." in done.out
    has = tags(sandbox.account(KEY).subscribers())
    wrong = {
        email: has[email]
        for number in range(PEOPLE)
        if has[email := address(number)] != should_have(number, canceled=number in some)
    }
    assert wrong == {}
    again = await kit_worker("apply", world.account)
    assert (again.code, "Nobody would be treated otherwise" in again.out) == (0, True)


@pytest.mark.parametrize("known_by", ["api_key_env", "access_token_env"])
async def test_what_it_put_on_goes_off_again_and_what_others_touched_stays(
    world: World,
    channel: AbstractChannel,
    sandbox: Sandbox,
    kit_worker: Shell,
    tmp_path: Path,
    known_by: str,
) -> None:
    """Given a run that is undone, nobody has a tag by it but whom an event, or a hand, gave it otherwise."""
    world.write_account(FILE, known_by=known_by)
    plan = str(tmp_path / "plan.json")
    kit = sandbox.account(KEY)
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel, known_by)
        by_hand = kit.add_subscriber(address(0))
        row = kit.account.with_email(address(0))
        assert row is not None
        kit.account.memberships.tag(kit.add_tag("Newcomer"), row, time.time() - 60)
        assert (await kit_worker("apply", world.account, "--save", plan)).code == 1
        assert (await kit_worker("apply", world.account, "--plan", plan)).code == 0
        now = datetime.now(UTC).isoformat()
        again = {**event(1, "subscription.started", 3), "id": "again", "time": now}
        await publish(channel, world.exchange, [again])
        await settled(worker, 2 * PEOPLE + 1)

        undone = await kit_worker("apply", world.account, "--undo", plan)
        assert undone.code == 0, undone.err
        expected = {
            address(number): {"Active Member"}
            | ({"Newcomer"} if number == 0 else set())
            | ({"Yearly Plan"} if number == 1 else set())
            for number in range(PEOPLE)
        }
        await until(lambda: tags(kit.subscribers()) == expected, seconds=40 + PEOPLE / 10)
    assert kit.subscriber(address(0)).id == by_hand


async def test_the_same_plan_does_the_same_again_after_its_undo(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a plan that was applied and undone, twice, each time everybody has what it says, and then not."""
    world.write_account(FILE)
    plan, once_more = str(tmp_path / "plan.json"), str(tmp_path / "again.json")
    kit = sandbox.account(KEY)
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        assert (await kit_worker("apply", world.account, "--save", plan)).code == 1
        for _ in range(2):
            applied = await kit_worker("apply", world.account, "--plan", plan)
            assert (applied.code, f"Done: {PEOPLE:,} people." in applied.out) == (0, True), applied.out
            expected = {address(number): should_have(number) for number in range(PEOPLE)}
            assert tags(kit.subscribers()) == expected

            undone = await kit_worker("apply", world.account, "--undo", plan)
            assert f"of {PEOPLE:,} people" in undone.out
            expected = {email: has - {"Newcomer", "Yearly Plan"} for email, has in expected.items()}
            await until(lambda: timers(tmp_path) == 0, seconds=40 + PEOPLE / 10)
            assert tags(kit.subscribers()) == expected
        assert (await kit_worker("apply", world.account, "--save", once_more)).code == 1
    assert json.loads(Path(once_more).read_text())["people"]


TIMED = """
events:
  user.signed_up: {add_tags: [New Member]}
  order.paid: {at: data.ships_at, add_tags: [Shipped]}
fields: {mk_user_id: null}
"""
UNTIL = TIMED.replace(
    "{at: data.ships_at, add_tags: [Shipped]}", "{add_tags: [{tag: Shipped, until: data.back_at}]}"
)


def due(folder: Path) -> dict[str, int]:
    """Return what is due, and of how many timers."""
    (path,) = folder.rglob("ledger.db")
    with closing(sqlite3.connect(path)) as ledger:
        return dict(ledger.execute("SELECT what, count(*) FROM due GROUP BY what").fetchall())


async def test_what_takes_effect_later_follows_the_file_as_well(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a file that says otherwise when orders take effect, the plan tells it, and timers follow."""
    world.write_account(TIMED + MANY)
    plan = str(tmp_path / "plan.json")
    count, kit = 20, sandbox.account(KEY)
    now = datetime.now(UTC)
    times = {"ships_at": now + timedelta(days=1), "back_at": now + timedelta(days=2)}
    async with Worker(world, tmp_path / "log") as worker:
        await publish(
            channel, world.exchange, [event(number, "user.signed_up", 1) for number in range(count)]
        )
        orders = [event(number, "order.paid", 2) for number in range(count)]
        for each in orders:
            each["data"] |= {name: time.isoformat() for name, time in times.items()}
        orders[0]["data"]["back_at"] = now.isoformat()
        await publish(channel, world.exchange, orders)
        await until(lambda: timers(tmp_path) == count)
        assert due(tmp_path) == {"tag 'Shipped'": count}

        world.write_account(UNTIL + MANY)
        await reloaded(worker)
        told = json.loads((await kit_worker("apply", world.account, "--json")).out)
        assert (told["gained"], told["due"], told["due_no_more"]) == (
            {"Shipped": count - 1},
            count - 1,
            count,
        )
        shown = await kit_worker("apply", world.account, "--save", plan)
        assert f"Set for later: {count - 1} effects" in shown.out
        assert (await kit_worker("apply", world.account, "--plan", plan)).code == 0
        assert due(tmp_path) == {"tag 'Shipped' off": count - 1}
        shipped = {address(number) for number in range(1, count)}
        assert {email for email, has in tags(kit.subscribers()).items() if "Shipped" in has} == shipped

        assert (await kit_worker("apply", world.account, "--undo", plan)).code == 0
        await until(lambda: not any("Shipped" in has for has in tags(kit.subscribers()).values()))
        await until(lambda: timers(tmp_path) == 0)


async def test_a_plan_is_for_one_file_and_one_account_and_can_be_stopped(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    world.write_account(FILE)
    plan = tmp_path / "plan.json"
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        told = json.loads((await kit_worker("apply", world.account, "--json")).out)
        assert told["gained"] == {"Newcomer": PEOPLE, "Yearly Plan": PEOPLE // 2}
        assert told["new_taggings"] == told["gained"]
        saved = await kit_worker("apply", world.account, "--save", str(plan), "--json")
        assert (saved.code, json.loads(saved.out)) == (1, told)
        nowhere = await kit_worker("apply", world.account, "--save", str(tmp_path / "none" / "plan.json"))
        assert (nowhere.code, "the plan cannot be kept there: No such file" in nowhere.err) == (2, True)
        asked = await kit_worker("apply", world.account)
        assert (asked.code, "no terminal at which somebody could say yes" in asked.err) == (1, True)

        await worker.stop()
        before = tags(sandbox.account(KEY).subscribers())
        left = await kit_worker("apply", world.account, "--plan", str(plan), "--no-wait", "--json")
        about = {"hash": told["hash"], "people": PEOPLE, "ends": {}}
        assert (left.code, json.loads(left.out)) == (1, {**about, "left": PEOPLE})
        other_hash = await kit_worker("apply", world.account, "--stop", "0" * 16)
        assert other_hash.out.startswith("Nobody waits of that plan: ")
        stopped = await kit_worker("apply", world.account, "--stop", told["hash"])
        assert f"Stopped: {PEOPLE:,} people stay as they were." in stopped.out

        waiting = asyncio.create_task(kit_worker("apply", world.account, "--plan", str(plan)))
        await until(lambda: timers(tmp_path) == PEOPLE)
        undone = await kit_worker("apply", world.account, "--undo", str(plan), "--json")
        assert (undone.code, json.loads(undone.out)) == (0, {"people": 0})
        ended = await waiting
        assert ended.code == 1, ended.out
        assert f"Done: 0 of {PEOPLE:,} people." in ended.out
        assert f"{PEOPLE:,}: the run was stopped before their turn" in ended.out
        await worker.start()
        await publish(channel, world.exchange, [event(PEOPLE, "user.signed_up", 20)])
        await settled(worker, 2 * PEOPLE + 1)
        del (after := tags(sandbox.account(KEY).subscribers()))[address(PEOPLE)]
        assert after == before

    world.write_account(NEW.replace("options: {", "options: {timezone: Europe/Berlin, "))
    other: Ended = await kit_worker("apply", world.account, "--plan", str(plan))
    assert other.code == 2
    assert "make it anew" in other.err
    changed = json.loads(plan.read_text()) | {"people": []}
    plan.write_text(json.dumps(changed))
    assert (
        "was changed since it was made" in (await kit_worker("apply", world.account, "--plan", str(plan))).err
    )
    assert (await kit_worker("apply", world.account, "--plan", str(tmp_path / "none.json"))).code == 2
