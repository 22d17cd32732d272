"""What people changed in Kit is put right, or taken over, by a real worker, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from aio_pika.abc import AbstractChannel

from tests.by_hand import change_address, put_on, take_off, unsubscribe
from tests.integration.harness import KEY, Worker, World, publish, until
from tests.integration.shell import Shell
from tests.integration.test_drift import an_hour_ago
from worker.clock import Clock
from worker.consumer.own_message import ADOPT_TYPE, REPAIR_TYPE, adopting, repairing
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers
from worker.sandbox import AccountView, Person, Sandbox
from worker.subscribers.drifted import DriftKind, DriftRow

PEOPLE: Final = int(os.environ.get("REDRESS_PEOPLE", "70"))
"""Of each class a seventh."""
FILE = """
events:
  user.signed_up: {add_tags: [New Member]}
  subscription.started: {remove_tags: [New Member], add_tags: [Active Member]}
  subscription.canceled: {remove_tags: [Active Member], add_tags: [Cancelled]}
fields: {mk_subscription_plan: Plan}
options: {max_new_taggings_per_hour: 1000000}
"""
ROWS: Final = (
    DriftRow(DriftKind.TAG_MISSING, "Active Member"),
    DriftRow(DriftKind.TAG_BACK, "New Member"),
    DriftRow(DriftKind.FIELD, "Plan", "by hand"),
    DriftRow(DriftKind.FIRST_NAME, kit="by hand"),
    DriftRow(DriftKind.UNSUBSCRIBED, kit="cancelled"),
    DriftRow(DriftKind.DELETED),
    DriftRow(DriftKind.ADDRESS),
)
"""What people do by hand, to one after another."""

pytestmark = pytest.mark.timeout(120 + PEOPLE)


def address(number: int) -> str:
    return f"person{number}@example.com"


def moved(number: int) -> str:
    return f"moved{number}@example.com"


def event(number: int, kind: str, time: str) -> dict[str, Any]:
    user = {"id": f"u-{number}", "email": address(number), "first_name": f"Name {number}"}
    subscription = {"id": f"s-{number}", "plan": "Annual"}
    data = {"user": user, **({"subscription": subscription} if kind.startswith("subscription") else {})}
    return {"id": f"{kind}-{number}-{time}", "type": kind, "time": time, "data": data}


def of_kind(kind: DriftKind) -> list[int]:
    """Return to whom that was done by hand."""
    place = next(place for place, row in enumerate(ROWS) if row.kind is kind)
    return list(range(place, PEOPLE, len(ROWS)))


def row_of(number: int) -> DriftRow:
    """Return what was done to somebody by hand, as a plan has it."""
    row = ROWS[number % len(ROWS)]
    return DriftRow(row.kind, kit=moved(number)) if row.kind is DriftKind.ADDRESS else row


def by_hand(kit: AccountView) -> None:
    """Do something to everybody."""
    for number in range(PEOPLE):
        email = address(number)
        match row_of(number).kind:
            case DriftKind.TAG_MISSING:
                take_off(kit, email, "Active Member")
            case DriftKind.TAG_BACK:
                put_on(kit, email, "New Member")
            case DriftKind.FIELD:
                kit.add_subscriber(email, fields={"plan": "by hand"})
            case DriftKind.FIRST_NAME:
                kit.add_subscriber(email, first_name="by hand")
            case DriftKind.UNSUBSCRIBED:
                unsubscribe(kit, email)
            case DriftKind.DELETED:
                kit.delete_subscriber(email)
            case DriftKind.ADDRESS:
                change_address(kit, email, moved(number))


async def settled(worker: Worker, count: int, *kinds: str) -> None:
    """Wait until so many messages of these types have ended, under whichever process."""

    def ended() -> set[str]:
        lines = (line for line in worker.log_lines() if line["event"].startswith("event_"))
        return {line["event_id"] for line in lines if line["event_type"] in kinds}

    await until(lambda: len(ended()) >= count, seconds=60 + PEOPLE)


async def members(world: World, worker: Worker, channel: AbstractChannel) -> None:
    """Let everybody sign up and subscribe."""
    for kind, time in (("user.signed_up", "10:01"), ("subscription.started", "10:02")):
        events = [event(each, kind, f"2026-07-01T{time}:00Z") for each in range(PEOPLE)]
        await publish(channel, world.exchange, events)
    await settled(worker, 2 * PEOPLE, "user.signed_up", "subscription.started")


@asynccontextmanager
async def timers_in(folder: Path) -> AsyncIterator[Timers]:
    database = Database(f"sqlite+aiosqlite:///{folder}/data/ledger.db")
    async with Ledger(database, worker="test", clock=Clock()) as ledger:
        yield Timers(ledger)


def waiting(folder: Path) -> int:
    """Return how many timers the ledger holds."""
    with closing(sqlite3.connect(folder / "data" / "ledger.db")) as ledger:
        count: int = ledger.execute("SELECT count(*) FROM due").fetchone()[0]
    return count


def people(kit: AccountView) -> Mapping[str, Person]:
    return kit.subscribers()


def values(of: Mapping[str, Person]) -> dict[str, tuple[str | None, str]]:
    """Return each one's first name and plan."""
    return {email: (person.first_name, person.fields["plan"]) for email, person in of.items()}


async def told(kit_worker: Shell, email: str, kind: str) -> Sequence[Mapping[str, Any]]:
    """Return the lines of the history about somebody, of a type."""
    lines = json.loads((await kit_worker("history", "--email", email, "--json")).out)
    return [line for line in lines if line["event_type"] == kind]


async def drift(kit_worker: Shell, world: World, folder: Path) -> dict[str, int]:
    """Compare once more, and return how many differences there are, by class."""
    an_hour_ago(folder)
    found = json.loads((await kit_worker("drift", world.account, "--json")).out)
    return dict(Counter(row["class"] for person in found["people"] for row in person["differences"]))


async def test_a_repair_among_live_events_a_kill_and_a_failing_kit_does_just_what_was_planned(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given drift of all classes, Kit has again what it was given, but for whom no mail or nobody is left."""
    world.write_account(FILE)
    kit = sandbox.account(KEY)
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        given = people(kit)
        async with timers_in(tmp_path) as timers:
            by_hand(kit)
            planned = await timers.now()
            rows = {number: [row_of(number)] for number in range(PEOPLE)}
            canceled = of_kind(DriftKind.TAG_MISSING)[::2]
            now = datetime.now(UTC).isoformat()
            live = [event(each, "subscription.canceled", now) for each in canceled]
            sandbox.fail("status", status=503, times=3)
            await timers.set(
                world.account,
                [repairing(address(n), "drift-1a2b", n, each, planned, planned) for n, each in rows.items()],
            )
            await publish(channel, world.exchange, live)
            await until(lambda: sandbox.count(KEY, endpoint="GET /v4/subscribers/{id}") >= 5)
            await worker.stop(signal.SIGKILL)
            await worker.start()
            await until(lambda: waiting(tmp_path) == 0, seconds=60 + PEOPLE)
        await settled(worker, len(live), "subscription.canceled")
        await until(lambda: all("Cancelled" in people(kit)[address(each)].tags for each in canceled))

        should = dict(given)
        for number in of_kind(DriftKind.DELETED):
            del should[address(number)]
        is_now = people(kit)
        assert is_now.keys() == should.keys()
        states = {email: person.state for email, person in is_now.items() if person.state != "active"}
        assert states == {address(each): "cancelled" for each in of_kind(DriftKind.UNSUBSCRIBED)}
        tags = {email: set(person.tags) for email, person in should.items()}
        tags |= {address(each): {"Cancelled"} for each in canceled}
        assert {email: set(person.tags) for email, person in is_now.items()} == tags
        assert values(is_now) == values(should)

        left = (DriftKind.UNSUBSCRIBED, DriftKind.DELETED)
        assert await drift(kit_worker, world, tmp_path) == {each.value: len(of_kind(each)) for each in left}
        (gone,) = await told(kit_worker, address(of_kind(DriftKind.DELETED)[0]), REPAIR_TYPE)
        assert (gone["outcome"], gone["detail"]) == ("ignored", "deleted: nobody is created anew")
        (off,) = await told(kit_worker, address(of_kind(DriftKind.UNSUBSCRIBED)[0]), REPAIR_TYPE)
        assert (off["outcome"], off["detail"]) == ("ignored", "unsubscribed: nobody is resubscribed")


async def test_what_is_taken_over_tells_kit_nothing_and_newer_events_have_their_effect(
    world: World, channel: AbstractChannel, sandbox: Sandbox, kit_worker: Shell, tmp_path: Path
) -> None:
    """Given drift of all classes that is taken over, twice and with a kill, it stands until newer events."""
    world.write_account(FILE)
    kit = sandbox.account(KEY)
    async with Worker(world, tmp_path / "log") as worker:
        await members(world, worker, channel)
        async with timers_in(tmp_path) as timers:
            by_hand(kit)
            before, written = people(kit), changes(sandbox)
            planned = await timers.now()
            effects = [
                adopting(address(n), "adopt-drift-1a2b", n, [row_of(n)], planned, planned)
                for n in range(PEOPLE)
            ]
            await timers.set(world.account, effects)
            await until(lambda: sandbox.count(KEY, endpoint="GET /v4/subscribers/{id}") >= 5)
            await worker.stop(signal.SIGKILL)
            await worker.start()
            await until(lambda: waiting(tmp_path) == 0, seconds=60 + PEOPLE)
            await timers.set(world.account, effects)
            await until(lambda: waiting(tmp_path) == 0, seconds=60 + PEOPLE)
        assert (people(kit), changes(sandbox)) == (before, written)
        assert await drift(kit_worker, world, tmp_path) == {}
        for row in ROWS:
            number = of_kind(row.kind)[0]
            email = moved(number) if row.kind is DriftKind.ADDRESS else address(number)
            lines = await told(kit_worker, email, ADOPT_TYPE)
            done = [line["detail"] for line in lines if line["outcome"] == "applied"]
            assert done == [f"{row_of(number).told}: taken over from Kit"]

        late = [event(each, "user.signed_up", "2026-07-01T10:00:30Z") for each in range(PEOPLE)]
        await publish(channel, world.exchange, late)
        await settled(worker, 2 * PEOPLE, "user.signed_up")
        assert people(kit) == before

        soon = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
        new = [event(each, "subscription.started", soon) for each in range(PEOPLE)]
        await publish(channel, world.exchange, new)
        await settled(worker, 2 * PEOPLE, "subscription.started")
    is_now = people(kit)
    assert {email for email, each in is_now.items() if "Active Member" not in each.tags} == set()
    assert len(is_now) == PEOPLE
    deleted, address_kept = of_kind(DriftKind.DELETED)[0], of_kind(DriftKind.ADDRESS)[0]
    assert is_now[address(deleted)].state == "active"
    assert is_now[address(deleted)].tags == {"Active Member"}
    assert moved(address_kept) in is_now
    cancelled = {email for email, each in is_now.items() if each.state == "cancelled"}
    assert cancelled == {address(each) for each in of_kind(DriftKind.UNSUBSCRIBED)}


def changes(sandbox: Sandbox) -> int:
    """Return how many calls have told Kit anything."""
    return sum(not call.endpoint.startswith("GET ") for call in sandbox.calls(KEY))
