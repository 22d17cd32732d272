"""What would become of several letters of one person, of which one changes what the next one finds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.accounts.harness import KIT
from tests.unit.ops.letters.dry_run.letters import NOON, by, found, kinds, known, letter
from worker.ledger.store import Ledger
from worker.ops.letters import dry_run
from worker.ops.letters.dry_run import AT_ONCE


async def test_a_copy_is_a_duplicate(ledger: Ledger) -> None:
    fate, copy = await found(ledger, letter(), letter())
    assert (fate.kind, copy.kind) == ("applied", "duplicate")
    assert copy.why == "a copy of the same event is put back before it, or was applied"


async def test_an_older_one_is_overridden_by_a_newer_one_that_is_put_back_before_it(ledger: Ledger) -> None:
    older, newer = letter(at=NOON), letter(at=NOON + timedelta(hours=1))
    assert await kinds(ledger, older, newer) == ["applied", "applied"]
    _, fate = await found(ledger, newer, older)
    assert fate.kind == "superseded"
    assert fate.why.startswith("events of this person that are put back before it")


async def test_so_it_is_however_many_letters_lie_between(ledger: Ledger) -> None:
    between = [letter(f"p{number}@example.com") for number in range(2 * AT_ONCE)]
    letters = [letter(at=NOON + timedelta(hours=1)), *between, letter()]
    assert await kinds(ledger, *letters) == ["applied"] * (1 + len(between)) + ["superseded"]


async def test_of_too_many_people_those_of_before_are_judged_by_the_ledger_alone(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given more people than are judged together, what was said of the first ones is not known any more."""
    monkeypatch.setattr(dry_run, "TOGETHER", 100)
    between = [letter(f"p{number}@example.com") for number in range(2 * AT_ONCE)]
    letters = [letter(at=NOON + timedelta(hours=1)), *between, letter()]
    assert await kinds(ledger, *letters) == ["applied"] * len(letters)


async def test_whoever_is_moved_by_a_letter_is_known_by_the_new_address_to_the_next(ledger: Ledger) -> None:
    """Given a letter that gives somebody a new address, the next one of that address is no conflict."""
    await known(ledger, NOON)
    moves = by(f"{KIT}events: {{user.signed_up: {{add_tags: [VIP]}}, user.updated: {{}}}}\n")
    at = [NOON + timedelta(hours=hours) for hours in (1, 2)]
    signs_up = letter("new@example.com", at=at[1], user_id="u-a")
    moved = letter("new@example.com", at=at[0], user_id="u-a", kind="user.updated")
    assert await kinds(ledger, signs_up, account=moves) == ["dead_lettered"]
    assert await kinds(ledger, moved, signs_up, account=moves) == ["applied", "applied"]


async def test_what_one_letter_leaves_is_judged_by_the_subscriptions_that_the_others_opened(
    ledger: Ledger,
) -> None:
    """Given a cancellation that is older than the opening put back before it, it changes nothing."""
    account = by(f"{KIT}")
    opened = letter(at=NOON + timedelta(hours=1), kind="subscription.started", subscription={"id": "s-1"})
    closed = letter(at=NOON, kind="subscription.canceled", subscription={"id": "s-1"})
    assert await kinds(ledger, opened, closed, account=account) == ["applied", "superseded"]
    assert await kinds(ledger, closed, opened, account=account) == ["applied", "applied"]
