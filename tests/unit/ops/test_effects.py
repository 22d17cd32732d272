"""What would be otherwise of a person: each tag and field, now in Kit, and then."""

from __future__ import annotations

from dataclasses import replace

from worker.accounts.preview import Preview, PreviewVerdict
from worker.kit.person import KitTag
from worker.ledger.person import Cause
from worker.ops.compared import FieldState, TagState
from worker.ops.effects import Effect, effects_of
from worker.ops.person import AskedKit
from worker.ops.tried import Tried
from worker.subscribers.item import Kind

NOW, BEFORE = "2027-01-02T00:00:00Z", "2027-01-01T00:00:00Z"
TRIED = Tried(
    Preview("sunny", "order.paid", "ada@example.com", PreviewVerdict.APPLIED, None, ""),
    Kind.APPLIED,
    event_time=NOW,
    kit=AskedKit(),
    tags=(
        TagState("VIP", wanted=True, cause=Cause(NOW)),
        TagState("Lead", wanted=False, cause=Cause(BEFORE), in_kit=KitTag(1, "Lead")),
        TagState("By hand", None, in_kit=KitTag(2, "By hand")),
    ),
    fields=(
        FieldState("Plan", "Gold", cause=Cause(NOW), in_kit="Silver"),
        FieldState("Left", None, cause=Cause(NOW)),
        FieldState("Town", "Rome"),
    ),
    asks=frozenset({"vip", "lead", "Plan", "Left"}),
    told=frozenset({"vip", "Plan"}),
)


def test_all_that_the_event_speaks_of_is_told_now_and_then_and_since_when() -> None:
    assert effects_of(TRIED) == [
        Effect("VIP", "off", "on", "", is_told=True),
        Effect("Lead", "on", "off", BEFORE, is_told=False),
        Effect("Plan", "Silver", "Gold", "", is_told=True),
        Effect("Left", "empty", "empty", "", is_told=False),
    ]
    assert [each.differs for each in effects_of(TRIED)] == [True, True, True, False]


def test_what_is_owed_from_before_is_told_as_well() -> None:
    owed = replace(TRIED, asks=frozenset(), told=frozenset({"lead"}))

    assert [each.name for each in effects_of(owed)] == ["Lead"]


def test_where_kit_was_not_read_nobody_knows_what_is_so_now() -> None:
    unread = replace(TRIED, tags=(TagState("VIP", wanted=True, unread=True),), fields=())
    away = replace(TRIED, kit=AskedKit(problem="it is away"))

    for tried in (unread, away):
        assert {each.now for each in effects_of(tried)} == {"?"}
        assert not any(each.differs for each in effects_of(tried))
