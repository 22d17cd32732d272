"""Whom another file would treat otherwise: who has moved, shares an address, waits, or was forgotten."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.accounts.harness import parse
from tests.unit.kept_people import Sent, apply_events
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.forgetting import forget
from worker.ledger.store import Ledger
from worker.ops.file_impact import FileImpact, file_impact

ADA, BOB, HOME = "ada@example.com", "bob@example.com", "ada@home.example"
KIT = "app: sunny\nkit: {api_key_env: KIT_API_KEY}\n"
FILE = """
events:
  user.signed_up: {add_tags: [Member]}
  order.paid: {add_tags: [Customer]}
  user.updated: {}
fields: {mk_user_id: null, mk_signed_up_at: null}
"""
BEFORE = parse(KIT + FILE)
AFTER = parse(KIT + FILE.replace("[Customer]", "[Buyer]"))


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A ledger of its own, without people."""
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="w-1", clock=Clock()) as made:
        await made.ready()
        yield made


def sent(kind: str, at: float, email: str = ADA, user: str = "u-a", **more: Any) -> Sent:  # noqa: ANN401  # values
    """An event so many seconds after noon."""
    return Sent(kind, {"user": {"id": user, "email": email}, **more}, at, "sunny")


def told(found: FileImpact) -> tuple[int, int, dict[str, int], dict[str, int]]:
    """Return how many people there are, and how many would be treated otherwise, gain and lose what."""
    return found.people, found.otherwise, dict(found.gained), dict(found.lost)


async def test_whoever_has_moved_is_one_person_with_the_events_of_both_addresses(ledger: Ledger) -> None:
    events = [sent("user.signed_up", 1), sent("order.paid", 2), sent("user.updated", 3, HOME)]
    await apply_events(ledger, BEFORE, events)
    found = await file_impact(ledger, BEFORE, AFTER)
    assert told(found) == (1, 1, {"Buyer": 1}, {"Customer": 1})
    assert (found.examples[0].email, found.partly_known, found.without_events) == (HOME, 0, 0)
    assert found.new_taggings == Counter(Buyer=1)


async def test_two_who_share_an_address_have_its_tags_together(ledger: Ledger) -> None:
    """Given an order of each, one of which the other file tags otherwise, what the other one gives stays."""
    events = [
        sent("order.paid", 1, total=50), sent("order.paid", 2, ADA, "u-b", total=10),
        sent("order.paid", 3, BOB, "u-c", total=50),
    ]  # fmt: skip
    await apply_events(ledger, BEFORE, events)
    rules = "{rules: [{when: {data.total: {below: 20}}, add_tags: [Customer]}]}"
    small = parse(KIT + FILE.replace("{add_tags: [Customer]}", rules))
    assert told(await file_impact(ledger, BEFORE, small)) == (2, 1, {}, {"Customer": 1})
    none = parse(KIT + FILE.replace("{add_tags: [Customer]}", "null"))
    assert told(await file_impact(ledger, BEFORE, none)) == (2, 2, {}, {"Customer": 2})


async def test_where_ids_are_only_data_an_address_is_a_person(ledger: Ledger) -> None:
    """Given one id under two addresses, there are two people, and of each its own newest event counts."""
    more = "options: {identity: email}\n"
    before, after = parse(KIT + FILE + more), parse(KIT + FILE.replace("[Customer]", "[Buyer]") + more)
    events = [sent("user.signed_up", 1), sent("order.paid", 2), sent("order.paid", 3, HOME)]
    await apply_events(ledger, before, events)
    found = await file_impact(ledger, before, after)
    assert told(found) == (2, 2, {"Buyer": 2}, {"Customer": 2})


NOW, LATER = "{add_tags: [Customer]}", "{at: data.later, add_tags: [Customer]}"
UNTIL = "{add_tags: [{tag: Customer, until: data.later}]}"


@pytest.mark.parametrize(
    ("before", "after", "gained", "lost", "due"),
    [
        (NOW, LATER, {}, {"Customer": 1}, (1, 0)),
        (LATER, NOW, {"Customer": 1}, {}, (0, 1)),
        (LATER, LATER.replace("Customer", "Buyer"), {}, {}, (1, 1)),
        (LATER, LATER.replace("later", "past"), {"Customer": 1}, {}, (0, 1)),
        (NOW, UNTIL, {}, {}, (1, 0)),
        (UNTIL, NOW, {}, {}, (0, 1)),
        (NOW, UNTIL.replace("later", "past"), {}, {"Customer": 1}, (0, 0)),
        (LATER, UNTIL, {"Customer": 1}, {}, (1, 1)),  # of one time, but not the same
        (UNTIL, f"{UNTIL} # the same", {}, {}, (0, 0)),
    ],
)
async def test_what_takes_effect_later_is_told_by_both_files(
    ledger: Ledger,
    before: str,
    after: str,
    gained: dict[str, int],
    lost: dict[str, int],
    due: tuple[int, int],
) -> None:
    """Given files that differ in when an order takes effect, it is told what is so now, and what is due."""
    old, new = (parse(KIT + FILE.replace(NOW, does)) for does in (before, after))
    order = sent("order.paid", 2, later="2099-01-01T00:00:00Z", past="2026-07-02T00:00:00Z")
    await apply_events(ledger, old, [sent("user.signed_up", 1), order])
    found = await file_impact(ledger, old, new)
    assert told(found)[2:] == (gained, lost)
    assert (found.due, found.due_no_more) == due
    assert found.otherwise == bool(gained or lost or any(due))


async def test_who_was_forgotten_is_nobody_and_what_mentioned_them_is_not_known(ledger: Ledger) -> None:
    """Given Bob's order for Ada, who is forgotten, of Bob it is told that not all is known."""
    events = [
        sent("user.signed_up", 1), sent("order.paid", 2), sent("user.signed_up", 3, BOB, "u-b"),
        sent("order.paid", 4, BOB, "u-b", gift_to=ADA),
    ]  # fmt: skip
    await apply_events(ledger, BEFORE, events)
    assert told(await file_impact(ledger, BEFORE, AFTER)) == (2, 2, {"Buyer": 2}, {"Customer": 2})

    await forget(ledger, ADA, [BEFORE.name])

    found = await file_impact(ledger, BEFORE, AFTER)
    assert told(found) == (1, 0, {}, {})
    joined = parse(KIT + FILE.replace("[Member]", "[Newcomer]"))
    found = await file_impact(ledger, BEFORE, joined)
    assert told(found) == (1, 1, {"Newcomer": 1}, {"Member": 1})
    assert found.partly_known == 1
