"""Plans of `apply`: what tells them apart, and that they are kept as they were made."""

from __future__ import annotations

import json

import pytest

from worker.ledger.plans import PlannedPerson
from worker.ops.apply_plan import ApplyPlan
from worker.ops.stored_plan import NotAPlanError

ADA = PlannedPerson("ada@example.com", ("Newcomer",), ("New Member",), ())
BOB = PlannedPerson("bob@example.com", (), (), ("Plan",))


def test_a_plan_is_read_as_it_was_kept() -> None:
    plan = ApplyPlan("sunny", "v-1", [ADA, BOB])
    again = ApplyPlan.load(plan.dump())
    assert (again.account, again.version, again.people) == ("sunny", "v-1", [ADA, BOB])
    assert again.hash == plan.hash


def test_whatever_is_otherwise_has_another_hash() -> None:
    plans = [
        ApplyPlan("sunny", "v-1", [ADA, BOB]),
        ApplyPlan("rainy", "v-1", [ADA, BOB]),
        ApplyPlan("sunny", "v-2", [ADA, BOB]),
        ApplyPlan("sunny", "v-1", [ADA]),
        ApplyPlan("sunny", "v-1", [ADA, PlannedPerson(BOB.email, ("Plan",), (), ())]),
        ApplyPlan(
            "sunny", "v-1", [ADA, PlannedPerson(BOB.email, (), (), ("Plan",), (("d-1", "tag 'VIP'"),))]
        ),
        ApplyPlan("sunny", "v-1", [ADA, PlannedPerson(BOB.email, (), (), ("Plan",), (), ("d-1",))]),
    ]
    assert len({plan.hash for plan in plans}) == len(plans)
    assert ApplyPlan("sunny", "v-1").hash == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"people": []}, "was changed"),
        ({"version": "v-2"}, "was changed"),
        ({"format": "another"}, "was changed"),
        ({"more": 1}, "no plan"),
        ({"people": [["ada@example.com"]]}, "no plan"),
    ],
)
def test_what_was_changed_by_hand_is_refused(change: dict[str, object], said: str) -> None:
    text = json.dumps(json.loads(ApplyPlan("sunny", "v-1", [ADA]).dump()) | change)
    with pytest.raises(NotAPlanError, match=said):
        ApplyPlan.load(text.encode())


@pytest.mark.parametrize("text", [b"", b"?", b"[]", b"{}", b"\xff"])
def test_what_is_none_is_refused(text: bytes) -> None:
    with pytest.raises(NotAPlanError, match="no plan"):
        ApplyPlan.load(text)
