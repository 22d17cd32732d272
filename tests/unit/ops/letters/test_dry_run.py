"""What a replay would do, by what the ledger knows; nothing is written, and nobody is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.consumer.world import adds
from tests.unit.dead_letters.test_letter import sent
from worker.broker.publisher import Outgoing
from worker.clock import Clock
from worker.dead_letters.letter import DeadLetter, dead_letter, read_dead_letter, replay_message
from worker.errors import EventError, InvalidEvent, KitRejected
from worker.events.delivery import Delivery
from worker.events.event import OrderKey
from worker.ledger.database import Database
from worker.ledger.forgetting import forget
from worker.ledger.store import Ledger
from worker.ops.letters.dry_run import as_in_queue, forecast, why_not
from worker.ops.letters.forecast import Forecast
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Batch, Person
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import KnownPart, Moved, Record

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ACCOUNT = adds("VIP")
ADA = "ada@example.com"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=Clock()) as ledger:
        await ledger.ready()
        yield ledger


def letter(
    email: str = ADA, *, at: datetime = NOON, error: EventError | None = None, user_id: str | None = None
) -> DeadLetter:
    """Return the letter of a sign-up."""
    body = {"data": {"user": {"email": email, "id": user_id}}, "time": at.isoformat()}
    properties = {"message_id": f"e-{email}-{at:%H%M}", "type": "user.signed_up"}
    delivery = Delivery(json.dumps(body).encode(), "user.signed_up", properties, exchange="platform.events")
    outcome = Outcome(Item(delivery), Kind.DEAD_LETTERED, error or InvalidEvent("no"))
    return read_dead_letter(sent(dead_letter(ACCOUNT.name, outcome, NOON)), ACCOUNT.name)


def taken_out(at: datetime) -> DeadLetter:
    """Return the letter of a sign-up without a time, which RabbitMQ took out of the queue."""
    death = {"queue": f"kit.{ACCOUNT.name}", "reason": "delivery_limit", "time": at, "exchange": "events"}
    headers = {"x-death": [{**death, "routing-keys": ["user.signed_up"]}]}
    body = json.dumps({"data": {"user": {"email": ADA}}}).encode()
    return read_dead_letter(
        sent(Outgoing("kit.dead", ACCOUNT.name, body, {"headers": headers})), ACCOUNT.name
    )


async def known(ledger: Ledger, at: datetime) -> None:
    """Let Ada have her tag by an event of a time, which also said all else that a sign-up does."""
    order = OrderKey("", at, 1)
    record = Record(ADA, 7, ensured=order)
    record.tags["vip"] = KnownPart(Part(TagWish("VIP", present=True), order), at.timestamp())
    tenure = await ledger.take(ACCOUNT.name)
    await ledger.save(tenure, Batch([record], [Person("u-a", ADA)]))


async def test_what_nobody_knows_yet_would_be_applied(ledger: Ledger) -> None:
    assert await forecast([letter(), letter("bob@example.com")], ACCOUNT, ledger) == Forecast(applied=2)


async def test_a_note_may_lead_to_whom_the_ledger_does_not_know_yet(ledger: Ledger) -> None:
    """Given a worker that was killed when it had written that somebody left an address, and no more."""
    left = Record(ADA, moved=Moved("new@example.com", OrderKey("", NOON, 1)))
    await ledger.save(await ledger.take(ACCOUNT.name), Batch([left]))
    assert await forecast([letter()], ACCOUNT, ledger) == Forecast(applied=1)


async def test_what_is_older_than_what_is_known_would_change_nothing(ledger: Ledger) -> None:
    await known(ledger, NOON)
    letters = [letter(at=NOON - timedelta(hours=1)), letter(at=NOON + timedelta(hours=1))]
    assert await forecast(letters, ACCOUNT, ledger) == Forecast(applied=1, unchanged=1)


async def test_an_undated_event_that_rabbitmq_took_out_is_no_newer_than_that(ledger: Ledger) -> None:
    """Given something newer than its death, and something older, then only the older is overridden."""
    await known(ledger, NOON)
    letters = [taken_out(NOON - timedelta(hours=1)), taken_out(NOON + timedelta(hours=1))]
    assert await forecast(letters[:1], ACCOUNT, ledger) == Forecast(unchanged=1)
    assert await forecast(letters[1:], ACCOUNT, ledger) == Forecast(applied=1)


async def test_a_copy_would_change_nothing(ledger: Ledger) -> None:
    assert await forecast([letter(), letter()], ACCOUNT, ledger) == Forecast(applied=1, unchanged=1)


async def test_what_is_not_mapped_would_change_nothing(ledger: Ledger) -> None:
    unmapped = replace(ACCOUNT, events={})
    assert await forecast([letter()], unmapped, ledger) == Forecast(unchanged=1)


async def test_what_is_invalid_would_fail_again_with_its_reason(ledger: Ledger) -> None:
    found = await forecast([letter("nobody")], ACCOUNT, ledger)
    assert found[:3] == (0, 0, 1)
    assert found.why.startswith("invalid_event: ")


async def test_who_brings_a_known_id_with_another_address_would_fail_again(ledger: Ledger) -> None:
    await known(ledger, NOON)
    found = await forecast([letter("eve@example.com", user_id="u-a")], ACCOUNT, ledger)
    assert (found.again, found.why.partition(":")[0]) == (1, "identity_conflict")


async def test_who_was_forgotten_stays_so(ledger: Ledger) -> None:
    """Given an event of somebody who was forgotten since, nothing would become of it."""
    await known(ledger, NOON)
    await forget(ledger, ADA, [ACCOUNT.name])
    assert await forecast([letter()], ACCOUNT, ledger) == Forecast(unchanged=1)


async def test_of_what_kit_refused_it_is_said_that_only_kit_knows(ledger: Ledger) -> None:
    found = await forecast([letter(error=KitRejected("422"))], ACCOUNT, ledger)
    assert found == Forecast(applied=1, by_kit=1)


async def test_nothing_is_written_and_nobody_loses_the_account(ledger: Ledger) -> None:
    tenure = await ledger.take(ACCOUNT.name)
    await forecast([letter()], ACCOUNT, ledger)
    await ledger.save(tenure, Batch())  # it is this worker's still
    assert (await ledger.load(tenure, [ADA], [])).records == {}


def test_why_a_mended_event_would_die_at_once_is_known_before() -> None:
    good, bad = letter(), letter("nobody")
    assert why_not(replay_message(as_in_queue(good), good), ACCOUNT, NOON) == ""
    assert "email" in why_not(replay_message(as_in_queue(bad), bad), ACCOUNT, NOON)
