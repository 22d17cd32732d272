"""What somebody should have beside what Kit has."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from worker.events.event import OrderKey
from worker.events.values import time_text
from worker.kit.person import KitPerson, KitTag
from worker.ledger.person import Cause
from worker.ops.compared import FieldState, TagState, field_rows, tag_rows, times_of
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import UNKNOWN, KnownPart

FIRST, SECOND = (OrderKey("", datetime(2026, 5, day, tzinfo=UTC), day) for day in (3, 4))
ONE, TWO = time_text(FIRST.time), time_text(SECOND.time)
CAUSES = {ONE: Cause(ONE, "subscription.started", "e1", "abc")}
STARTED = Cause(ONE, "subscription.started", "e1", "abc", rule=2)
NOBODY_KNOWS = Cause(TWO)


def tag(name: str, order: OrderKey = FIRST, *, present: bool = True, rule: int = 2) -> Part[TagWish]:
    return Part(TagWish(name, present, rule=rule), order)


def kit(*tags: KitTag, **values: str) -> KitPerson:
    """Return somebody in Kit, in whose account there are three custom fields."""
    names = {"plan": 1, "Plan": 1, "level": 2, "Level": 2, "note": 3, "Note": 3}
    return KitPerson(
        7, "ada@example.com", "active", "Ada", tags,
        fields={names[key]: value for key, value in values.items()},
        labels={1: "Plan", 2: "Level", 3: "Note"}, names=names,
    )  # fmt: skip


def known(*tags: Part[TagWish], at: float = 5.0, kit_id: int = 0) -> Record:
    return Record(
        "ada@example.com", 7, tags={each.value.name.lower(): KnownPart(each, at, kit_id) for each in tags}
    )


def test_a_tag_that_both_have_has_its_cause_and_its_time_in_kit() -> None:
    there = KitTag(9, "vip", "2026-05-03T10:02:00Z")
    assert tag_rows(known(tag("VIP")), CAUSES, kit(there)) == (
        TagState("VIP", wanted=True, cause=STARTED, told_at=5.0, in_kit=there),
    )


def test_a_tag_that_was_renamed_in_kit_is_the_same_one() -> None:
    renamed, other = KitTag(9, "Best"), KitTag(10, "VIP")
    rows = tag_rows(known(tag("VIP"), kit_id=9), CAUSES, kit(renamed, other))
    assert [(row.name, row.wanted, row.in_kit) for row in rows] == [
        ("VIP", True, renamed),
        ("VIP", None, other),
    ]


def test_a_tag_that_only_kit_has_is_not_by_us() -> None:
    there = KitTag(9, "Newsletter")
    assert tag_rows(None, {}, kit(there)) == (TagState("Newsletter", None, in_kit=there),)


def test_a_tag_that_somebody_took_off_in_kit_is_told() -> None:
    (row,) = tag_rows(known(tag("VIP")), CAUSES, kit())
    assert (row.wanted, row.owed, row.in_kit) == (True, False, None)


def test_beyond_what_kit_lists_at_once_nobody_knows_what_somebody_has() -> None:
    """Given more tags than were read, one that is not among them may be there; one that is, is."""
    there = replace(kit(KitTag(9, "VIP")), more_tags=True)
    rows = tag_rows(known(tag("VIP"), tag("Gold")), CAUSES, there)
    assert [(row.name, row.unread) for row in rows] == [("VIP", False), ("Gold", True)]


def test_a_tag_that_is_off_and_is_there_again_is_told() -> None:
    there = KitTag(9, "VIP")
    (row,) = tag_rows(known(tag("VIP", present=False)), CAUSES, kit(there))
    assert (row.wanted, row.in_kit) == (False, there)


def test_what_is_owed_counts_before_what_is_done() -> None:
    record = known(tag("VIP"))
    record.owed = Change(tags={"vip": tag("VIP", SECOND, present=False), "new": tag("New", SECOND, rule=0)})
    assert tag_rows(record, CAUSES, None) == (
        TagState("VIP", wanted=False, owed=True, cause=Cause(TWO, rule=2), told_at=5.0),
        TagState("New", wanted=True, owed=True, cause=NOBODY_KNOWS),
    )
    assert times_of(record) == {ONE, TWO}


def test_an_answer_that_never_came_is_no_time() -> None:
    (row,) = tag_rows(known(tag("VIP"), at=UNKNOWN), CAUSES, None)
    assert row.told_at is None


@pytest.mark.parametrize("name", ["plan", "Plan", "PLAN"])
def test_a_custom_field_is_found_by_key_and_label(name: str) -> None:
    record = Record("ada@example.com", 7, fields={name: KnownPart(Part("Annual", FIRST), 5.0)})
    assert field_rows(record, CAUSES, kit(plan="Monthly", note="hers")) == (
        FieldState(name, "Annual", cause=CAUSES[ONE], told_at=5.0, in_kit="Monthly"),
        FieldState("Note", None, is_ours=False, in_kit="hers"),
    )


def test_a_custom_field_that_was_renamed_is_found_by_its_id() -> None:
    record = Record("ada@example.com", 7, fields={"Old": KnownPart(Part("x", FIRST), 5.0, kit_id=2)})
    (row,) = field_rows(record, CAUSES, kit(level="x"))
    assert (row.name, row.in_kit) == ("Old", "x")


def test_a_custom_field_that_kit_lacks_is_told() -> None:
    record = Record("ada@example.com", 7)
    record.owed = Change(fields={"Gone": Part("x", SECOND)})
    assert field_rows(record, CAUSES, kit()) == (FieldState("Gone", "x", owed=True, cause=NOBODY_KNOWS),)
    assert field_rows(record, CAUSES, None) == field_rows(record, CAUSES, kit())
