"""`kit-worker drift` beside a real worker: all that somebody changed in Kit is found, and nothing else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell
from worker.ops.drift.night import is_time
from worker.sandbox import Sandbox
from worker.sandbox.inputs import subscriber_input
from worker.sandbox.views import AccountView

PEOPLE: Final = int(os.environ.get("DRIFT_PEOPLE", "400"))
EACH: Final = int(os.environ.get("DRIFT_DIFFERENCES", "28")) // 7
"""People of each class."""
FILE: Final = """
events:
  user.signed_up: {add_tags: [New Member, Welcome, Trial]}
  subscription.started: {add_tags: [Active Member], remove_tags: [Trial]}
fields: {mk_subscription_plan: Plan, mk_user_id: null, mk_signed_up_at: null, mk_subscription_id: null}
options: {max_new_taggings_per_hour: 1000000}
"""
LAG: Final = 300.0

pytestmark = pytest.mark.timeout(90 + PEOPLE / 4)


class Kit:
    """A Kit whose lists lag by five minutes, and whose time of day a test puts forward."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.sandbox = Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False, wall=self.now)

    def now(self) -> float:
        return time.time() + self.ahead

    @property
    def account(self) -> AccountView:
        return self.sandbox.account(KEY)


@pytest.fixture
def kit() -> Kit:
    return Kit()


@pytest.fixture
async def sandbox(kit: Kit) -> AsyncIterator[Sandbox]:
    async with kit.sandbox.running() as running:
        yield running


def address(number: int) -> str:
    return f"person{number}@example.com"


def event(number: int, kind: str, minute: int) -> dict[str, Any]:
    user = {"id": f"u-{number}", "email": address(number), "first_name": "Ada"}
    subscription = {"id": f"s-{number}", "plan": "Annual"}
    data = {"user": user, **({"subscription": subscription} if kind.startswith("subscription") else {})}
    return {
        "id": f"{kind}-{number}-{minute}",
        "type": kind,
        "time": f"2026-07-01T10:{minute:02}:00Z",
        "data": data,
    }


async def settled(worker: Worker, count: int) -> None:
    ends = {"event_applied", "event_superseded", "event_duplicate", "event_dead_lettered"}

    def ended() -> int:
        return len({line["event_id"] for line in worker.log_lines() if line["event"] in ends})

    await until(lambda: ended() >= count, seconds=40 + PEOPLE / 10)


async def members(world: World, worker: Worker, channel: AbstractChannel) -> None:
    """Let everybody sign up and subscribe."""
    for kind, minute in (("user.signed_up", 1), ("subscription.started", 2)):
        await publish(channel, world.exchange, [event(number, kind, minute) for number in range(PEOPLE)])
        await settled(worker, minute * PEOPLE)  # else a tag that goes off again is never put on


def an_hour_ago(folder: Path) -> None:
    """Let all that a worker has written so far have been written an hour ago."""
    (path,) = folder.rglob("ledger.db")
    with closing(sqlite3.connect(path, timeout=30)) as ledger:
        ledger.execute("UPDATE subscribers SET updated_at = updated_at - 3600")
        ledger.commit()


def changed_by_hand(kit: Kit) -> dict[str, dict[str, Any]]:
    """Change people in Kit as a creator might; return what each should be told of, by address."""
    of, now = kit.account.account, kit.now()
    tags, fields = kit.account.tags(), kit.account.custom_fields()
    numbers: Iterator[int] = iter(range(0, PEOPLE, max(1, PEOPLE // (8 * EACH))))
    told: dict[str, dict[str, Any]] = {}

    def each(kind: str, name: str = "", value: str | None = None) -> Iterator[Any]:
        for _ in range(EACH):
            email = address(next(numbers))
            told[email] = {"class": kind, "name": name, "kit": value}
            yield of.with_email(email)

    for person in each("tag_missing", "Active Member"):
        of.memberships.untag(tags["Active Member"], person, now)
    for person in each("tag_back", "Trial", "Trial"):
        of.memberships.tag(tags["Trial"], person, now)
    for person in each("field", "Plan", "Monthly"):
        of.set_field(person, fields["plan"], "Monthly", now)
    for person in each("first_name", value="Grace"):
        kit.account.add_subscriber(person.email_address, first_name="Grace")
    for person in each("address", value="moved"):
        moved = f"moved-{person.email_address}"
        told[person.email_address]["kit"] = moved
        of.update(person.id, subscriber_input({"email_address": moved}), now)
    for person in each("unsubscribed", value="cancelled"):
        of.unsubscribe(person.id, now)
    for person in each("deleted"):
        of.delete_subscriber(person.id, now)
    return told


def as_told(out: str) -> dict[str, dict[str, Any]]:
    people = json.loads(out)["people"]
    assert all(len(person["differences"]) == 1 for person in people)
    return {person["email"]: {"name": "", "kit": None, **person["differences"][0]} for person in people}


async def test_all_that_was_changed_is_found_and_nothing_else(
    world: World, channel: AbstractChannel, kit: Kit, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given changes of every class, lists that lag, and events that come in, each change is told once."""
    world.write_account(FILE, known_by="access_token_env")
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        an_hour_ago(tmp_path)
        kit.sandbox.list_lag = LAG
        none = await kit_worker("drift", world.account)
        assert (none.code, none.err) == (0, "")
        assert f"Kit has all of {PEOPLE:,} people as this worker gave it." in none.out

        expected = changed_by_hand(kit)
        kit.ahead += LAG + 1  # the lists show all of it
        some = [number for number in range(1, PEOPLE, 10) if address(number) not in expected]
        await publish(channel, world.exchange, [event(number, "subscription.started", 9) for number in some])
        found = await kit_worker("drift", world.account, "--json")
        assert (found.code, found.err) == (1, "")
        assert as_told(found.out) == expected
        told = json.loads(found.out)
        assert told["compared"] == PEOPLE
        assert told["calls"] <= 3 + PEOPLE // 1000 + 1 + 2 * len(expected)


async def test_nothing_is_compared_while_the_account_rests_and_the_same_command_goes_on(
    world: World, channel: AbstractChannel, kit: Kit, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given an account that is held, no call is made; after Ctrl-C, and by another process, it goes on."""
    world.write_account(FILE)
    plan = tmp_path / "drift.json"
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        an_hour_ago(tmp_path)
        expected = changed_by_hand(kit)
        assert (await kit_worker("pause", world.account, "--reason", "a look")).code == 0
        await until(lambda: "session_ended" in worker.events_logged())
        calls = kit.sandbox.count(KEY)

        comparing = await kit_worker.start("drift", world.account)
        await until(lambda: runs(tmp_path) == [("going", world.account)])
        comparing.send_signal(signal.SIGINT)
        _, said = await comparing.communicate()
        assert b"the same command goes on with it" in said
        assert runs(tmp_path) == [("stopped", world.account)]
        assert kit.sandbox.count(KEY) == calls
        await worker.stop()
        await worker.launch()

        going = asyncio.create_task(kit_worker("drift", world.account, "--save", str(plan)))
        await until(lambda: runs(tmp_path) == [("going", world.account)])
        assert (await kit_worker("resume", world.account)).code == 0
        found = await going
        assert (found.code, found.err) == (1, "")
        status = await kit_worker("status")

    kept = json.loads(plan.read_text())
    assert {person["email"] for person in kept["people"]} == expected.keys()
    assert f"{len(expected)} of {PEOPLE:,} people have something otherwise in Kit" in found.out
    assert f"kit-worker drift {world.account} --repair {plan}" in found.out
    assert f"{len(expected)} differences in Kit" in status.out
    plan.write_text(json.dumps(kept | {"people": []}))
    for option in ("--repair", "--adopt"):
        refused = await kit_worker("drift", world.account, option, str(plan))
        assert (refused.code, "was changed since it was made" in refused.err) == (2, True)


def runs(folder: Path) -> list[tuple[str, str]]:
    """Return the states of the comparisons, with their accounts."""
    (path,) = folder.rglob("ledger.db")
    with closing(sqlite3.connect(path, timeout=30)) as ledger:
        return ledger.execute("SELECT state, account FROM drift_runs").fetchall()


def is_night(account: str, zone: str, now: datetime) -> bool:
    """Tell whether an account is compared in some minutes, too."""
    return all(is_time(account, ZoneInfo(zone), now + timedelta(minutes=each), None) for each in (0, 10))


async def test_by_night_a_worker_compares_by_itself(
    world: World, channel: AbstractChannel, kit: Kit, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given an account where it is night, a line and the status tell what is otherwise."""
    now = datetime.now(UTC)
    zones = (f"Etc/GMT{hours:+}" for hours in range(-12, 13))
    zone = next(each for each in zones if is_night(world.account, each, now))
    world.write_account(FILE)
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        an_hour_ago(tmp_path)
        expected = changed_by_hand(kit)
        world.write_account(FILE.replace("options: {", f"options: {{drift: nightly, timezone: {zone}, "))

        await until(lambda: "drift_compared" in worker.events_logged(), seconds=90)
        (line,) = (line for line in worker.log_lines() if line["event"] == "drift_compared")
        status = json.loads((await kit_worker("status", "--json")).out)
    assert line["differences"] == len(expected)
    assert status["drift"][world.account]["found"] == line["classes"]


async def test_what_is_found_is_repaired_and_the_rest_taken_over(
    world: World, channel: AbstractChannel, kit: Kit, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given a repair, whoever was unsubscribed or deleted is all that is left; taken over, nothing is."""
    world.write_account(FILE)
    plan = str(tmp_path / "drift.json")
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        changed_by_hand(kit)
        told = {}
        for option in ("--repair", "--adopt"):
            an_hour_ago(tmp_path)
            assert (await kit_worker("drift", world.account, "--save", plan)).code == 1
            told[option] = await kit_worker("drift", world.account, option, plan)
        an_hour_ago(tmp_path)
        none = await kit_worker("drift", world.account)

    assert [each.err for each in told.values()] == ["", ""]
    assert f"Done: {5 * EACH} of {7 * EACH} people." in told["--repair"].out
    assert f"{2 * EACH}: nothing was to be done" in told["--repair"].out
    assert f"Done: {2 * EACH} of {2 * EACH} people." in told["--adopt"].out
    assert [each.code for each in told.values()] == [0, 0]
    assert none.code == 0, none.out
