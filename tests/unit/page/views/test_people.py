"""How somebody stands to a tag or a field, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from worker.kit.person import KitTag
from worker.ledger.person import Cause
from worker.ops.compared import FieldState, TagState
from worker.page.views.people import LATE, OTHERWISE, PersonRow, field_row, tag_row, why

NOW = 1_000_000.0
CAUSE = Cause("2026-05-03T10:00:00Z", "subscription.started", rule=2)
BECAUSE = "subscription.started of 2026-05-03T10:00:00Z, rule 2"
ON = KitTag(7, "VIP", "2026-05-03T10:02:00Z")
TAG = TagState("VIP", wanted=True, cause=CAUSE, told_at=1.0, in_kit=ON)


def row(tag: TagState, *, asked: bool = True) -> PersonRow:
    return tag_row(tag, asked=asked, lately=NOW)


def test_a_tag_that_is_as_it_should_be() -> None:
    assert row(TAG) == PersonRow("VIP", "on", "on since 2026-05-03T10:02:00Z", BECAUSE, owed=False)


@pytest.mark.parametrize(("wanted", "in_kit"), [(True, None), (False, ON)])
def test_a_tag_that_is_otherwise_in_kit_is_told_but_not_while_kits_list_may_be_late(
    *, wanted: bool, in_kit: KitTag | None
) -> None:
    tag = replace(TAG, wanted=wanted, in_kit=in_kit)
    assert row(tag).doubt == OTHERWISE
    assert row(replace(tag, told_at=NOW + 1)).doubt == LATE
    assert row(replace(tag, told_at=None)).doubt == OTHERWISE


@pytest.mark.parametrize("tag", [replace(TAG, owed=True, in_kit=None), replace(TAG, wanted=None, in_kit=ON)])
def test_what_is_still_to_be_done_or_not_by_us_is_no_difference(tag: TagState) -> None:
    assert row(tag).doubt == ""


def test_without_kits_answer_nothing_is_otherwise() -> None:
    assert row(replace(TAG, in_kit=None), asked=False) == PersonRow("VIP", "on", "?", BECAUSE, owed=False)


@pytest.mark.parametrize(
    ("field", "wanted", "in_kit", "doubt"),
    [
        (FieldState("Plan", "Gold", in_kit="Gold"), "Gold", "Gold", ""),
        (FieldState("Plan", "Gold", in_kit="Silver"), "Gold", "Silver", OTHERWISE),
        (FieldState("Plan", "Gold"), "Gold", "empty", OTHERWISE),
        (FieldState("Plan", None), "empty", "empty", ""),
        (FieldState("Plan", "Gold", owed=True), "Gold", "empty", ""),
        (FieldState("Plan", None, is_ours=False, in_kit="x"), "no event", "x", ""),
    ],
)
def test_a_field_is_held_against_kit(field: FieldState, wanted: str, in_kit: str, doubt: str) -> None:
    found = field_row(field, asked=True)
    assert (found.wanted, found.in_kit, found.doubt) == (wanted, in_kit, doubt)
    assert field_row(field, asked=False).doubt == ""


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (None, "not by us"),
        (CAUSE, BECAUSE),
        (Cause("2026-05-03T10:00:00Z"), "an event of 2026-05-03T10:00:00Z"),
    ],
)
def test_the_cause_is_told(cause: Cause | None, words: str) -> None:
    assert why(cause) == words
