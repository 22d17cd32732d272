"""Where Kit has something else than was given, and where that is nobody's business."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

import pytest
from msgspec.structs import replace

from tests.unit.examples import NOON
from worker.events.event import FIRST, OrderKey
from worker.mapping import Options
from worker.ops.drift.compare import (
    AccountDrift,
    NamesAtKit,
    SubscriberAtKit,
    differences,
    is_on_its_way,
    lacking,
    renamed,
)
from worker.subscribers.change import Change
from worker.subscribers.drifted import DriftKind, DriftRow
from worker.subscribers.known import KitName
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import UNKNOWN, KnownPart

ORDER: Final = OrderKey("", NOON, 1)
AT: Final = NOON.timestamp()
NAMES: Final = NamesAtKit(
    {1: "VIP", 2: "Trial"}, {"vip": 1, "trial": 2}, {7: "plan"}, {"plan": 7, "Plan": 7}, {7: "Plan"}
)
ADA: Final = "ada@example.com"


def tag(name: str, *, present: bool = True, at: float = AT, kit_id: int = 0) -> KnownPart[TagWish]:
    return KnownPart(Part(TagWish(name, present=present), ORDER), at, kit_id)


def given() -> Record:
    """Ada has the tag VIP, had the tag Trial, and has a plan and a name."""
    return Record(
        ADA,
        kit_id=5,
        tags={"vip": tag("VIP", kit_id=1), "trial": tag("Trial", present=False, kit_id=2)},
        fields={"Plan": KnownPart(Part[str | None]("Gold", ORDER), AT, 7)},
        first_name=KnownPart(Part("Ada", ORDER), AT),
    )


AS_GIVEN: Final = SubscriberAtKit(ADA, "active", "Ada", {"plan": "Gold", "other": "x"}, frozenset({1, 9}))


def kit(**otherwise: object) -> SubscriberAtKit:

    return dataclasses.replace(AS_GIVEN, **otherwise)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("has", "told"),
    [
        (AS_GIVEN, []),
        (None, [DriftRow(DriftKind.DELETED)]),
        (kit(tags=frozenset[int]()), [DriftRow(DriftKind.TAG_MISSING, "VIP")]),
        (kit(tags=frozenset({1, 2})), [DriftRow(DriftKind.TAG_BACK, "Trial", "Trial")]),
        (kit(tags=None), []),
        (kit(fields={"plan": "Silver"}), [DriftRow(DriftKind.FIELD, "Plan", "Silver")]),
        (kit(fields={"plan": None}), [DriftRow(DriftKind.FIELD, "Plan", None)]),
        (kit(fields={}), [DriftRow(DriftKind.FIELD, "Plan", None)]),
        (kit(first_name="Grace"), [DriftRow(DriftKind.FIRST_NAME, kit="Grace")]),
        (kit(first_name=""), [DriftRow(DriftKind.FIRST_NAME)]),
        (kit(email="ADA@Example.com"), []),
        (kit(email="grace@example.com"), [DriftRow(DriftKind.ADDRESS, kit="grace@example.com")]),
        (kit(email="no address"), [DriftRow(DriftKind.ADDRESS, kit="no address")]),
        (kit(state="cancelled"), [DriftRow(DriftKind.UNSUBSCRIBED, kit="cancelled")]),
        (kit(state="bounced"), [DriftRow(DriftKind.UNSUBSCRIBED, kit="bounced")]),
        (kit(state="inactive"), []),
    ],
)
def test_what_is_otherwise_is_told(has: SubscriberAtKit | None, told: list[DriftRow]) -> None:
    assert differences(given(), has, NAMES, Options()) == told


OTHERWISE: Final = SubscriberAtKit(ADA, "cancelled", "Grace", {"plan": "Silver"}, frozenset({2}))


def test_only_what_kit_has_answered_for_counts() -> None:
    """What is in doubt, or was never asked for by an event, is nobody's."""
    record = given()
    record.doubt_known(record.tags, record.fields)
    record.first_name = None
    record.unsubscribed = Part(value=True, order=ORDER)
    assert differences(record, OTHERWISE, NAMES, Options()) == []

    record = given()
    record.tags = {"vip": KnownPart(Part(TagWish("VIP", present=True), FIRST), AT, 1)}
    rows = differences(record, OTHERWISE, NAMES, Options())
    assert DriftKind.TAG_MISSING not in {row.kind for row in rows}


def test_what_was_answered_before_another_worker_was_there_counts() -> None:
    """Given a worker that was killed, what people do in Kit afterwards is seen all the same."""
    record, rows = given(), differences(given(), OTHERWISE, NAMES, Options())
    assert {DriftKind.TAG_MISSING, DriftKind.TAG_BACK, DriftKind.FIELD} < {row.kind for row in rows}
    for _ in range(2):
        record.outdate()
        assert differences(record, OTHERWISE, NAMES, Options()) == rows


def test_a_first_name_that_is_set_once_may_be_changed_in_kit() -> None:
    rows = differences(given(), kit(first_name="Grace"), NAMES, Options(first_name="if_created"))
    assert rows == []


def test_a_name_means_what_its_id_is_and_else_what_bears_it() -> None:
    """Given a tag that was deleted and made anew, the new one is meant; a renamed one is followed."""
    record = given()
    record.tags = {"vip": tag("VIP", kit_id=99)}
    assert differences(record, AS_GIVEN, NAMES, Options()) == []
    record.tags = {"old": tag("Old", kit_id=1)}
    assert differences(record, AS_GIVEN, NAMES, Options()) == []


def test_what_kit_lacks_for_everybody_is_no_difference_of_a_person() -> None:
    record = given()
    record.tags |= {"gone": tag("Gone", kit_id=99), "off": tag("Off", present=False, kit_id=98)}
    record.fields |= {"Gone too": KnownPart(Part[str | None]("x", ORDER), AT, 97)}
    assert differences(record, AS_GIVEN, NAMES, Options()) == []
    assert list(lacking(record, NAMES)) == [("tags", "Gone", ""), ("custom_fields", "Gone too", "")]


def test_what_was_renamed_is_told_by_both_names() -> None:
    known = [
        KitName("tags", "vip", 1, "VIP"),
        KitName("tags", "newcomer", 2, "Newcomer"),
        KitName("tags", "gone", 99, "Gone"),
        KitName("custom_fields", "Plan", 7, "Plan"),
        KitName("custom_fields", "Level", 7, "Level"),
    ]
    assert list(renamed(known, NAMES)) == [
        ("tags", "newcomer", "Trial"),
        ("custom_fields", "Level", "Plan"),
    ]


@pytest.mark.parametrize(
    ("drift", "kind", "said"),
    [
        (AccountDrift("tags", "vip", "V.I.P."), "tag_renamed", "called 'V.I.P.' in Kit now"),
        (AccountDrift("tags", "VIP", people=3), "tag_deleted", "deleted in Kit, which 3 people had"),
        (AccountDrift("custom_fields", "Plan", "P"), "field_renamed", "Custom field 'Plan' is called"),
        (AccountDrift("custom_fields", "Plan"), "field_deleted", "was deleted"),
    ],
)
def test_a_change_for_everybody_says_what_to_do(drift: AccountDrift, kind: str, said: str) -> None:
    assert (drift.kind_of_drift, said in drift.told) == (kind, True)


@pytest.mark.parametrize(
    "change",
    [
        lambda record: replace(record, owed=Change(first_name=Part("Grace", ORDER._replace(arrival=2)))),
        lambda record: replace(record, moving=True),
        lambda record: replace(record, tags={"vip": tag("VIP", at=UNKNOWN)}, owed=record.done),
    ],
)
def test_whoever_is_owed_something_is_on_the_way(change: Callable[[Record], Record]) -> None:
    assert is_on_its_way(change(given()))
    assert not is_on_its_way(given())
