"""`kit-worker backfill` beside a real worker: what the plan said is what then happens, whatever comes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell
from worker.sandbox import Person, Sandbox

PEOPLE: Final = int(os.environ.get("BACKFILL_PEOPLE", "300"))
"""With 10,000 it takes some ten minutes."""
FILE: Final = """
events:
  user.signed_up: {add_tags: [New Member]}
  subscription.started:
    add_tags: [Active Member]
    remove_tags: [Cancelled]
    rules: [{when: {mk_subscription_plan: Annual}, add_tags: [Annual Plan]}]
  subscription.canceled: {remove_tags: [Active Member, Annual Plan], add_tags: [Cancelled]}
fields: {mk_subscription_plan: Plan}
options: {max_new_taggings_per_hour: LIMIT}
""".replace("LIMIT", str(PEOPLE))

pytestmark = pytest.mark.timeout(90 + PEOPLE / 4)


def address(number: int) -> str:
    return f"person{number}@example.com"


def event(number: int, kind: str, time: str, **more: str) -> dict[str, Any]:
    user = {"id": f"u-{number}", "email": address(number)}
    subscription = {"id": f"s-{number}", "plan": "Annual" if number % 2 else "Monthly"}
    data = {"user": user, **({"subscription": subscription} if kind.startswith("subscription") else {})}
    return {"id": f"{kind}-{number}", "type": kind, "time": time, "data": data, **more}


def rows() -> list[dict[str, Any]]:
    """Everybody signed up and subscribed; every third one has left again."""
    found = [event(number, "user.signed_up", "2024-01-01T10:00:00Z") for number in range(PEOPLE)]
    found += [event(number, "subscription.started", "2024-01-02T10:00:00Z") for number in range(PEOPLE)]
    found += [event(each, "subscription.canceled", "2025-01-02T10:00:00Z") for each in range(0, PEOPLE, 3)]
    return found


def should_have(number: int, canceled: range) -> set[str]:
    if number % 3 == 0 or number in canceled:
        return {"New Member", "Cancelled"}
    return {"New Member", "Active Member", *(["Annual Plan"] if number % 2 else [])}


def tags(people: dict[str, Person]) -> dict[str, set[str]]:
    return {email: set(person.tags) for email, person in people.items()}


def new_taggings() -> int:
    return sum(len(should_have(number, range(0))) for number in range(PEOPLE))


@pytest.fixture
def members(tmp_path: Path) -> Path:
    path = tmp_path / "members.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows()))
    return path


async def live(worker: Worker, count: int) -> None:
    """Wait until so many events of the platform have ended, under whichever process."""

    def ended() -> int:
        lines = worker.log_lines()
        return len({line["event_id"] for line in lines if str(line.get("event_id")).startswith("live-")})

    await until(lambda: ended() >= count, seconds=40 + PEOPLE / 10)


async def test_live_events_kills_and_a_failing_kit_change_nothing_about_the_end(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, members: Path, tmp_path: Path
) -> None:
    """Given a plan, and meanwhile cancellations, a kill and errors of Kit, all end as plan and events say."""
    world.write_account(FILE)
    kit = sandbox.account(KEY)
    some = range(1, PEOPLE, 5)
    async with Worker(world, tmp_path / "log") as worker:
        shown = await kit_worker("backfill", "plan", world.account, str(members), "--json")
        assert shown.code == 1, shown.err
        told = json.loads(shown.out)
        assert told["new_taggings_in_all"] == new_taggings()
        assert kit.subscribers() == {}
        refused = await kit_worker("backfill", "run", world.account, str(members), "--yes", "7")
        assert refused.code == 2
        assert f"there would be {new_taggings():,} new taggings" in refused.err

        words = ("backfill", "run", world.account, str(members), "--yes", str(new_taggings()))
        running = asyncio.create_task(kit_worker(*words))
        await until(lambda: len(kit.subscribers()) > PEOPLE // 10, seconds=40 + PEOPLE / 10)
        sandbox.fail("status", status=503, times=3)
        left = [
            event(each, "subscription.canceled", "2026-01-02T10:00:00Z", id=f"live-{each}") for each in some
        ]
        await publish(channel, world.exchange, left)
        await worker.stop(signal.SIGKILL)
        await worker.start()
        done = await running
        await live(worker, len(some))

        assert (done.code, done.err) == (0, ""), done.out
        has = tags(kit.subscribers())
        wrong = {
            number: has.get(address(number))
            for number in range(PEOPLE)
            if has.get(address(number)) != should_have(number, some)
        }
        assert wrong == {}
        again = await kit_worker(*words)
        assert (again.code, "nothing is done a second time" in again.out) == (0, True)
        assert tags(kit.subscribers()) == has


async def test_what_it_put_on_goes_off_again_and_what_others_touched_stays(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, members: Path, tmp_path: Path
) -> None:
    """Given a run that is undone, nobody has a tag by it but whom an event, or a hand, gave it otherwise."""
    world.write_account(FILE)
    kit = sandbox.account(KEY)
    kit.add_subscriber(address(0), tags=["New Member", "By hand"])
    async with Worker(world, tmp_path / "log") as worker:
        words = ("backfill", "run", world.account, str(members), "--yes", str(new_taggings()))
        ran = await kit_worker(*words)
        assert (ran.code, ran.err) == (0, ""), ran.out
        (run,) = set(re.findall(r"backfill-[0-9a-f]{16}", ran.out))
        told = await kit_worker("history", "--email", address(1))
        assert f"imported as {run}-{PEOPLE + 2:07}" in told.out
        assert kit.subscriber(address(0)).tags == {"New Member", "By hand", "Cancelled"}
        now = datetime.now(UTC).isoformat()
        later = [
            event(1, "subscription.started", now, id="live-1"),
            event(3, "user.signed_up", now, id="live-3"),
        ]
        await publish(channel, world.exchange, later)
        await live(worker, len(later))

        undone = await kit_worker("backfill", "undo", world.account, run)
        assert undone.code == 0, undone.err
        expected = {address(number): set[str]() for number in range(PEOPLE)}
        expected[address(0)] = {"New Member", "By hand"}
        expected[address(1)] = {"Active Member", "Annual Plan"}
        expected[address(3)] = {"New Member"}
        await until(lambda: tags(kit.subscribers()) == expected, seconds=40 + PEOPLE / 10)
        again = await kit_worker(*words)
        assert again.code == 2
        assert "there would be 0 new taggings by now" in again.err


async def test_a_run_can_be_stopped_and_goes_on_where_it_was_left(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, members: Path, tmp_path: Path
) -> None:
    """Given that no worker runs, rows wait; stopped, none is taken in; the same command begins anew."""
    world.write_account(FILE)
    words = ("backfill", "run", world.account, str(members), "--yes", str(new_taggings()), "--no-wait")
    async with Worker(world, tmp_path / "log") as worker:
        await publish(
            channel, world.exchange, [event(PEOPLE, "user.signed_up", "2026-01-01T00:00:00Z", id="live-")]
        )
        await live(worker, 1)
        await worker.stop()
        left = await kit_worker(*words)
        assert left.code == 1, left.err
        (run,) = set(re.findall(r"backfill-[0-9a-f]{16}", left.out))
        waits = await kit_worker(*words)
        assert f"{len(rows()):,} of {len(rows()):,} rows wait" in waits.out
        stopped = await kit_worker("backfill", "stop", world.account, run)
        assert f"Stopped: {len(rows()):,} rows are not taken in." in stopped.out
        assert (await kit_worker("backfill", "stop", world.account, "backfill-0")).code == 2
        assert (await kit_worker(*words)).code == 1
        await worker.start()
        ended = await kit_worker(*words[:-1])
        assert (ended.code, f"Done: {len(rows()):,} of {len(rows()):,} rows" in ended.out) == (0, True), ended
        assert len(sandbox.account(KEY).subscribers()) == PEOPLE + 1


async def test_a_table_goes_into_kit_by_hand_and_the_ledger_learns_of_it(
    world: World, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given tables for Kit's importer, whoever uploads them and says --known has the worker know of it."""
    nulls = "mk_subscription_status: null, mk_subscription_started_at: null"
    world.write_account(FILE.replace("fields: {", f"fields: {{{nulls}, "))
    table = tmp_path / "members.csv"
    table.write_text(
        "Email;Plan;Notes\r\nada@example.com;Annual;x\r\nbob@example.com;;y\r\ncy@example.com;=1+1;\r\nno;;\r\n",
        encoding="utf-8-sig",
    )
    options = (
        "--map", "Plan=mk_subscription_plan", "--type", "subscription.started",
        "--as-of", "2024-01-01T00:00:00Z",
    )  # fmt: skip
    async with Worker(world, tmp_path / "log"):
        shown = await kit_worker("backfill", "plan", world.account, str(table), *options)
        assert shown.code == 2, shown.err
        for said in (
            "with semicolons between its cells",
            "Columns that are not read: Notes",
            "line 5: data.user.email: not an email address",
            "4 new taggings",
        ):
            assert said in shown.out, shown.out
        run = ("backfill", "run", world.account, str(table), *options)
        refused = await kit_worker(*run, "--yes", "4")
        assert (refused.code, "--skip-wrong" in refused.err) == (2, True)

        made = await kit_worker("backfill", "as-csv", world.account, str(table), *options, "--into", "tables")
        assert made.code == 2, made.err
        texts = {path.name: path.read_bytes().decode() for path in (tmp_path / "tables").iterdir()}
        assert texts == {
            "1-values-1.csv": "email,Plan\r\nada@example.com,Annual\r\n",
            "2-tag-1.csv": "email\r\nada@example.com\r\nbob@example.com\r\ncy@example.com\r\n",
            "2-tag-2.csv": "email\r\nada@example.com\r\n",
        }
        assert "Plan of cy@example.com" in made.out
        known = await kit_worker(*run, "--known", "--skip-wrong", "--yes", "0")
        assert (known.code, known.err) == (0, ""), known.out
        assert sandbox.account(KEY).subscribers() == {}
        again = await kit_worker("backfill", "plan", world.account, str(table), *options, "--json")
        assert json.loads(again.out)["new_taggings_in_all"] == 0
