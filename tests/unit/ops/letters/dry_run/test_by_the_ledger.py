"""What a replay would do, by what the ledger knows; nothing is written, and nobody is told."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.accounts.harness import KIT
from tests.unit.dead_letters.letter.on_the_wire import sent
from tests.unit.ops.letters.dry_run.letters import ACCOUNT, ADA, NOON, by, dead, found, kinds, known, letter
from worker.broker.publisher import Outgoing
from worker.clock import Clock
from worker.dead_letters.letter import DeadLetter, read_dead_letter, replay_message
from worker.errors import KitRejected
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import OrderKey
from worker.ledger.forgetting import forget
from worker.ledger.store import Ledger
from worker.ops.letters.dry_run import as_in_queue, replayed, why_not
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.mark import event_mark
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved


def unreadable(email: str) -> DeadLetter:
    """Return the letter of a message that is cut off."""
    body = b'{"type": "user.signed_up", "time": "2026-07-01T12:00:00Z", "data": {"user": {"email": "%s"}, '
    return dead(Delivery(body % email.encode(), "user.signed_up", exchange="platform.events"))


def taken_out(at: datetime) -> DeadLetter:
    """Return the letter of a sign-up without a time, which RabbitMQ took out of the queue."""
    death = {"queue": f"kit.{ACCOUNT.name}", "reason": "delivery_limit", "time": at, "exchange": "events"}
    headers = {"x-death": [{**death, "routing-keys": ["user.signed_up"]}]}
    body = json.dumps({"data": {"user": {"email": ADA}}}).encode()
    return read_dead_letter(
        sent(Outgoing("kit.dead", ACCOUNT.name, body, {"headers": headers})), ACCOUNT.name
    )


# -- by the ledger ----------------------------------------------------------------------------------------


async def test_what_nobody_knows_yet_would_be_applied(ledger: Ledger) -> None:
    assert await kinds(ledger, letter(), letter("bob@example.com")) == ["applied", "applied"]


async def test_a_note_may_lead_to_whom_the_ledger_does_not_know_yet(ledger: Ledger) -> None:
    """Given a worker that was killed when it had written that somebody left an address, and no more."""
    left = Record(ADA, moved=Moved("new@example.com", OrderKey("", NOON, 1)))
    await ledger.save(await ledger.take(ACCOUNT.name), Batch([left]))
    assert await kinds(ledger, letter()) == ["applied"]


async def test_what_is_older_than_what_is_known_would_change_nothing(ledger: Ledger) -> None:
    await known(ledger, NOON)
    older, newer = letter(at=NOON - timedelta(hours=1)), letter(at=NOON + timedelta(hours=1))
    fate, other = await found(ledger, older, newer)
    assert (fate.kind, fate.why) == ("superseded", "all of it is done already, or newer events say otherwise")
    assert (other.kind, other.why) == ("applied", "")


async def test_an_undated_event_that_rabbitmq_took_out_is_no_newer_than_that(ledger: Ledger) -> None:
    """Given something newer than its death, and something older, then only the older is overridden."""
    await known(ledger, NOON)
    assert await kinds(ledger, taken_out(NOON - timedelta(hours=1))) == ["superseded"]
    assert await kinds(ledger, taken_out(NOON + timedelta(hours=1))) == ["applied"]


async def test_an_event_that_was_applied_is_a_duplicate(ledger: Ledger) -> None:
    known_one = Record(ADA, 7)
    known_one.see("a-mark")
    mine = letter()
    event = decode(replayed(mine, NOON), arrival=1)
    known_one.see(str(event_mark(event)))
    await ledger.save(await ledger.take(ACCOUNT.name), Batch([known_one]))
    (fate,) = await found(ledger, mine)
    assert (fate.kind, fate.why) == ("duplicate", "a copy of the same event was applied")


async def test_what_is_not_mapped_would_be_ignored(ledger: Ledger) -> None:
    (fate,) = await found(ledger, letter(), account=replace(ACCOUNT, events={}))
    assert (fate.kind, fate.why) == ("ignored", "the account's file does not map its type")


async def test_what_a_rule_skips_says_which(ledger: Ledger) -> None:
    skips = by(f"{KIT}events: {{user.signed_up: {{skip: true}}}}\n")
    (fate,) = await found(ledger, letter(), account=skips)
    assert (fate.kind, fate.why.partition(":")[0]) == ("ignored", "skipped")


async def test_what_is_invalid_would_be_dead_again_with_its_reason(ledger: Ledger) -> None:
    (fate,) = await found(ledger, letter("nobody"))
    assert (fate.kind, fate.reason) == ("dead_lettered", "invalid_event")
    assert "data.user.email" in fate.why


async def test_what_is_owed_by_an_event_is_said_and_the_rest_counts_as_applied(ledger: Ledger) -> None:
    """Given a placeholder without a value, its letter would come back, and the other tag would be there."""
    owing = by(f'{KIT}events: {{user.signed_up: {{add_tags: [VIP, "{{data.plan}} plan"]}}}}\n')
    fate, copy = await found(ledger, letter(), letter(at=NOON - timedelta(hours=1)), account=owing)
    assert (fate.kind, fate.reason) == ("dead_lettered", "partly_applied")
    assert "data.plan" in fate.why
    assert copy.kind == "dead_lettered"  # it owes its own


async def test_who_brings_a_known_id_with_another_address_would_be_dead_again(ledger: Ledger) -> None:
    await known(ledger, NOON)
    (fate,) = await found(ledger, letter("eve@example.com", user_id="u-a"))
    assert (fate.kind, fate.reason) == ("dead_lettered", "identity_conflict")


async def test_who_was_forgotten_stays_so(ledger: Ledger) -> None:
    """Given an event of somebody who was forgotten since, nothing would become of it."""
    await known(ledger, NOON)
    await forget(ledger, ADA, [ACCOUNT.name])
    (fate,) = await found(ledger, letter())
    assert (fate.kind, fate.why) == ("forgotten", "its person was forgotten since")


async def test_also_where_the_message_cannot_be_read(ledger: Ledger) -> None:
    """Given two messages that are no events, of one of whose people nothing may be kept."""
    await known(ledger, NOON)
    await forget(ledger, ADA, [ACCOUNT.name])
    broken = [unreadable(ADA), unreadable("bob@example.com")]
    assert await kinds(ledger, *broken) == ["forgotten", "dead_lettered"]


async def test_of_what_kit_refused_it_is_said_that_only_kit_knows(ledger: Ledger) -> None:
    (fate,) = await found(ledger, letter(error=KitRejected("422")))
    assert (fate.kind, fate.by_kit) == ("applied", True)
    assert "was not asked" in fate.why


async def test_who_may_not_be_made_has_to_be_in_kit(ledger: Ledger) -> None:
    nobody_new = by(f"{KIT}events: {{user.signed_up: {{add_tags: [VIP], create: false}}}}\n")
    (fate,) = await found(ledger, letter(), account=nobody_new)
    assert (fate.kind, fate.by_kit) == ("applied", False)
    assert fate.why.startswith("if Kit has somebody of this address")


async def test_what_takes_effect_later_waits_until_then(ledger: Ledger) -> None:
    later = by(f"{KIT}events: {{user.signed_up: {{at: data.starts, add_tags: [VIP]}}}}\n")
    soon = (Clock().now() + timedelta(days=3)).isoformat()
    fate, copy = await found(ledger, letter(starts=soon), letter(starts=soon), account=later)
    assert fate.kind == "scheduled"
    assert fate.why.startswith(f"on {soon[:10]}")
    assert "VIP" in fate.why
    assert copy.kind == "duplicate"


async def test_too_many_moves_within_an_hour_are_held(ledger: Ledger) -> None:
    """Given 19 people who moved a while ago, the first letter that moves somebody goes through, no other."""
    moves = by(f"{KIT}options: {{address_changes: any}}\n")
    now = Clock().time()
    people = [Person(f"u-{n}", f"p{n}@example.com", now if n < 19 else None) for n in range(25)]
    records = [Record(each.email, 100 + n) for n, each in enumerate(people)]
    for record, person in zip(records, people, strict=True):
        record.users[person.user_id] = OrderKey("", NOON - timedelta(days=1), 1)
    await ledger.save(await ledger.take(ACCOUNT.name), Batch(records, people))
    letters = [letter(f"new{n}@example.com", user_id=f"u-{n}") for n in (20, 21)]
    fate, held = await found(ledger, *letters, account=moves)
    assert (fate.kind, held.kind, held.reason) == ("applied", "dead_lettered", "identity_conflict")
    assert "within an hour" in held.why


# -- what it leaves alone ---------------------------------------------------------------------------------


async def test_who_takes_the_account_meanwhile_is_in_nobodys_way(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a worker that takes the account between two looks, the dry run looks again."""
    load, taken = Ledger.load, iter((True,))
    await known(ledger, NOON)

    async def after_another(self: Ledger, *of: Any) -> Known:  # noqa: ANN401  # as it is
        if next(taken, False):
            await self.take(ACCOUNT.name)
        return await load(self, *of)

    monkeypatch.setattr(Ledger, "load", after_another)
    first = await kinds(ledger, letter(at=NOON - timedelta(hours=1)))
    assert first == await kinds(ledger, letter(at=NOON - timedelta(hours=1)))


async def test_nothing_is_written_and_nobody_loses_the_account(ledger: Ledger) -> None:
    tenure = await ledger.take(ACCOUNT.name)
    await found(ledger, letter())
    await ledger.save(tenure, Batch())  # it is this worker's still
    assert (await ledger.load(tenure, [ADA], [])).records == {}


def test_why_a_mended_event_would_die_at_once_is_known_before() -> None:
    good, bad = letter(), letter("nobody")
    assert why_not(replay_message(as_in_queue(good), good), ACCOUNT, NOON) == ""
    assert "email" in why_not(replay_message(as_in_queue(bad), bad), ACCOUNT, NOON)
