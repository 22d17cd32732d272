"""Which steps would call Kit: of somebody whom it has, has no more, never had, or of whom nobody knows."""

from __future__ import annotations

import pytest

from tests.unit.examples import order
from worker.kit.plan import AddTag, NameIfCreated, RemoveTag, Step, Unsubscribe, Upsert
from worker.ops.foreseen import IF_A_FIELD_IS_THERE, IF_THE_TAG_IS_THERE, foreseen, is_gone, notices
from worker.ops.in_kit import InKit
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record

FIRST = order(1)
ADDS = AddTag("vip", Part(TagWish("VIP", present=True), FIRST))
REMOVES = RemoveTag("lead", Part(TagWish("Lead", present=False), FIRST))
NAMES = NameIfCreated(Part("Ada", FIRST))
ENDS = Unsubscribe(Part(value=True, order=FIRST))
SETS = Upsert({"Plan": Part("Gold", FIRST)})
CLEARS = Upsert({"Left": Part(None, FIRST)})
HERE = InKit(7, "active", frozenset({"lead"}), {"Plan": 1})
GONE = InKit(fields={"Plan": 1})
OTHER = InKit(8, "active", fields={"Left": 2})


def ada(kit_id: int | None = 7, *, created: bool = False) -> Record:
    return Record("ada@example.com", kit_id, created=created)


def calls(record: Record, here: InKit | None, *steps: Step) -> list[tuple[str, str]]:
    """Return the names of the steps that call, and on what each call depends."""
    return [(type(step).__name__, only) for step, only in foreseen(record, list(steps), here)]


def test_of_whom_kit_has_only_what_is_there_is_taken_off_and_cleared() -> None:
    assert calls(ada(), HERE, REMOVES, ADDS, ENDS, SETS, CLEARS, NAMES) == [
        ("RemoveTag", ""), ("AddTag", ""), ("Unsubscribe", ""), ("Upsert", ""),
    ]  # fmt: skip
    assert calls(ada(), OTHER, CLEARS) == [("Upsert", "")]


def test_whom_kit_has_just_created_has_no_tags_and_gets_the_name() -> None:
    assert calls(ada(None), InKit(), REMOVES, NAMES) == [("NameIfCreated", "")]
    assert calls(ada(created=True), HERE, NAMES) == [("NameIfCreated", "")]


def test_whom_kit_has_no_more_is_not_unsubscribed() -> None:
    assert calls(ada(), GONE, ENDS, REMOVES) == [("RemoveTag", IF_THE_TAG_IS_THERE)]


def test_where_kit_was_not_asked_it_is_said_on_what_a_call_depends() -> None:
    assert calls(ada(), None, REMOVES, CLEARS, SETS) == [
        ("RemoveTag", IF_THE_TAG_IS_THERE), ("Upsert", IF_A_FIELD_IS_THERE), ("Upsert", ""),
    ]  # fmt: skip
    ((_, only),) = calls(ada(None), None, NAMES)
    assert only


@pytest.mark.parametrize(
    ("step", "record", "here", "notices_it"),
    [
        (ADDS, ada(), GONE, True),
        (ADDS, ada(), OTHER, True),
        (ADDS, ada(), HERE, False),
        (ADDS, ada(), None, False),
        (ADDS, ada(None), GONE, False),
        (REMOVES, ada(), GONE, False),
        (ENDS, ada(), GONE, False),
        (NAMES, ada(), GONE, False),
        (NAMES, ada(created=True), GONE, True),
        (SETS, ada(), GONE, True),
        (CLEARS, ada(), GONE, False),
        (CLEARS, ada(), OTHER, True),
    ],
)
def test_that_somebody_is_gone_shows_by_what_kit_refuses(
    step: Step,
    record: Record,
    here: InKit | None,
    notices_it: bool,  # what is expected
) -> None:
    assert notices(step, record, here) is notices_it


def test_gone_is_whom_kit_has_no_more_under_the_id_that_is_known() -> None:
    assert [is_gone(ada(), here) for here in (HERE, OTHER, GONE, None)] == [False, True, True, False]
    assert not is_gone(ada(None), GONE)
