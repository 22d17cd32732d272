"""Whom another file would treat otherwise, of 10,000 people, beside plain arithmetic; on both databases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.unit.accounts.harness import parse
from tests.unit.kept_people import Sent, apply_events
from worker.ledger.store import Ledger
from worker.ops.file_impact import file_impact

PEOPLE = 10_000
KIT = "kit: {api_key_env: KIT_API_KEY}\n"
FILE = """\
kit: {api_key_env: KIT_API_KEY}
events:
  user.signed_up: {add_tags: [Member]}
  order.paid:
    add_tags: ["Bought {data.product}"]
    rules: [{when: {data.total: {above: 60}}, add_tags: [Big]}]
"""
BEFORE = parse(FILE)
AFTER = parse(FILE.replace("{add_tags: [Member]}", "null").replace("60", "30"))


def events() -> Iterator[Sent]:
    for number in range(PEOPLE):
        user = {"id": f"u-{number}", "email": f"p{number}@example.com"}
        yield Sent("user.signed_up", {"user": user}, number - 2 * PEOPLE)
        if number % 3:
            yield Sent("order.paid", {"user": user, "total": number % 100, "product": "Tea"}, number - PEOPLE)


@pytest.mark.timeout(180)
async def test_what_is_told_is_what_plain_arithmetic_finds(ledger: Ledger) -> None:
    """Given two events of most people, a type that goes and a rule with another bound, counts are right."""
    await apply_events(ledger, BEFORE, events())
    counted: list[int] = []

    found = await file_impact(ledger, BEFORE, AFTER, counted.append)

    big = sum(1 for number in range(PEOPLE) if number % 3 and 30 < number % 100 <= 60)
    assert (found.people, found.otherwise, sum(counted)) == (PEOPLE, PEOPLE, PEOPLE)
    assert (found.gained, found.lost) == (Counter(Big=big), Counter(Member=PEOPLE))
    assert found.new_taggings == Counter(Big=big)
    only_signed_up = sum(1 for number in range(PEOPLE) if number % 3 == 0)
    assert found.fields == Counter(mk_signed_up_at=PEOPLE, mk_user_id=only_signed_up)
    assert found.calls == PEOPLE + PEOPLE + big  # fields, the tag that goes, the one that comes
    assert (found.partly_known, found.without_events) == (0, 0)
    assert found.examples[0].email == "p0@example.com"
