"""A difference that was seen is looked at again: whether anything is done about it, and why not."""

from __future__ import annotations

from typing import Final

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, NOON, change, order
from worker.events.event import OrderKey
from worker.subscribers.drifted import NO_MORE_MAIL, DriftKind, DriftRow, Remedy
from worker.subscribers.fact import Fact
from worker.subscribers.learning import finish
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag
from worker.subscribers.remedies import (
    GONE,
    NEWER,
    OTHERWISE,
    SINCE,
    SeenPerson,
    after_all,
    first_name_of,
    why_not,
)

SEEN: Final = SeenPerson("ada@new.example", "active", "Augusta", frozenset({"old"}), {"Plan": "Silver"})
"""All is otherwise than it was given."""
MISSING = DriftRow(DriftKind.TAG_MISSING, "VIP")
BACK = DriftRow(DriftKind.TAG_BACK, "Old")
FIELD = DriftRow(DriftKind.FIELD, "Plan", "Silver")
NAME = DriftRow(DriftKind.FIRST_NAME, kit="Augusta")
ADDRESS = DriftRow(DriftKind.ADDRESS, kit="ada@new.example")
UNSUBSCRIBED = DriftRow(DriftKind.UNSUBSCRIBED, kit="cancelled")
DELETED = DriftRow(DriftKind.DELETED)
PLANNED: Final = order(3600)


def known() -> Record:
    """Ada as the first event has left her."""
    record, asked = Record(EMAIL, 7), change(add=("VIP",), remove=("Old",), fields={"Plan": "Gold"})
    asked = replace(asked, first_name=Part("Ada", order(1)))
    record.note(asked, NOON.timestamp(), {})
    finish(record, asked)
    return record


def told(
    row: DriftRow, seen: SeenPerson | None = SEEN, *, record: Record | None = None, adopts: bool = False
) -> str:
    return why_not(record or known(), Remedy(row, PLANNED, adopts), seen)


@pytest.mark.parametrize("adopts", [False, True])
@pytest.mark.parametrize("row", [MISSING, BACK, FIELD, NAME, ADDRESS])
def test_what_is_as_the_plan_says_is_done(row: DriftRow, *, adopts: bool) -> None:
    assert told(row, adopts=adopts) == ""


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (MISSING, "Kit has it already"),
        (BACK, "it is off already"),
        (FIELD, "Kit has it as it was given"),
        (NAME, "Kit has it as it was given"),
        (ADDRESS, "Kit has it as it was given"),
        (UNSUBSCRIBED, "the person gets mail by now"),
        (DELETED, "Kit has the person"),
    ],
)
def test_what_is_as_it_should_be_by_now_is_left(row: DriftRow, why: str) -> None:
    right = SeenPerson(EMAIL, "active", "Ada", frozenset({"vip"}), {"Plan": "Gold"})

    assert told(row, right, adopts=True) == why


def test_a_value_that_is_another_one_by_now_is_left() -> None:
    """Given a plan that shows Silver, and Platinum by now, nobody has agreed to lose that."""
    other = replace(SEEN, first_name="Lovelace", fields={"Plan": "Platinum"}, email="third@example.com")

    assert {told(row, other) for row in (FIELD, NAME, ADDRESS)} == {OTHERWISE}
    assert told(FIELD, replace(SEEN, fields={})) == OTHERWISE
    assert told(replace(FIELD, kit=None), replace(SEEN, fields={"Plan": ""})) == ""


def test_what_an_event_has_changed_since_is_left() -> None:
    """Given another event that took the tag off again, nobody wants it back."""
    record = known()
    record.note(change(2, add=("Old",), remove=("VIP",)), NOON.timestamp(), {})

    assert {told(row, record=record) for row in (MISSING, BACK)} == {NEWER}
    assert {told(row, record=Record(EMAIL, 7)) for row in (MISSING, BACK, FIELD, NAME)} == {NEWER}


def test_what_kit_was_told_since_the_plan_is_left_for_its_lists_lag() -> None:
    record = known()
    late = PLANNED.time.timestamp() + 1
    record.note(change(add=("VIP",), fields={"Plan": "Gold"}), late, {})

    assert (told(MISSING, record=record), told(FIELD, record=record), told(BACK, record=record)) == (
        SINCE,
        SINCE,
        "",
    )


def test_kits_word_is_not_taken_against_a_newer_event() -> None:
    """Given an event since the plan that wants what Kit was given before, what it wants is put right only."""
    record = known()
    record.confirm(change(7200, add=("VIP",)))

    assert told(MISSING, record=record) == ""
    assert told(MISSING, record=record, adopts=True) == NEWER


@pytest.mark.parametrize("state", sorted(NO_MORE_MAIL))
def test_whoever_gets_no_mail_stays_so_and_gets_no_tag_that_could_start_some(state: str) -> None:
    seen = replace(SEEN, state=state)

    assert told(UNSUBSCRIBED, seen) == "nobody is resubscribed"
    assert told(MISSING, seen) == "not put on, for the person gets no more mail"
    assert {told(row, seen) for row in (BACK, FIELD, NAME, ADDRESS)} == {""}
    assert {told(row, seen, adopts=True) for row in (MISSING, UNSUBSCRIBED)} == {""}
    record = known()
    record.unsubscribed = Part(value=True, order=order(1))
    assert told(UNSUBSCRIBED, seen, record=record, adopts=True) == "it is known already"


def test_a_tag_that_is_held_goes_on_being_held() -> None:
    record = known()
    record.held = {"vip": HeldTag("VIP", order(1), 0.0)}

    assert told(MISSING, record=record) == "it is held, by max_new_taggings_per_hour"


def test_whoever_was_deleted_stays_so() -> None:
    assert {told(row, None) for row in (MISSING, BACK, FIELD, NAME, ADDRESS, UNSUBSCRIBED)} == {GONE}
    assert told(DELETED, None) == "nobody is created anew"
    assert told(DELETED, None, adopts=True) == ""
    nobody = known()
    nobody.kit_id = None
    assert told(DELETED, None, record=nobody, adopts=True) == "the ledger knows of nobody in Kit any more"
    newer = known()
    newer.facts = (Fact(order(7200), opens=True),)
    assert told(DELETED, None, record=newer, adopts=True) == NEWER


def test_an_address_that_a_newer_event_has_named_is_not_followed() -> None:
    record = known()
    record.placed = order(7200)

    assert told(ADDRESS, record=record, adopts=True) == NEWER
    assert told(replace(ADDRESS, kit=None), adopts=True) == OTHERWISE


def test_who_asks_comes_after_events_that_have_a_sequence() -> None:
    """Given a publisher that numbers its events, what somebody asks for later still is later."""
    record = known()
    record.ensured = OrderKey("00542", NOON, 3)

    assert after_all(record, PLANNED) == OrderKey("00542", PLANNED.time, PLANNED.arrival)
    assert PLANNED.after(OrderKey("00543", order(7200).time, 4)) is None


def test_a_first_name_that_is_to_be_given_again_is_known() -> None:
    record = known()
    record.owed, record.first_name = change(first_name="Ada"), None

    name = first_name_of(record)
    assert name is not None
    assert name.part.value == "Ada"
    assert first_name_of(Record(EMAIL)) is None
