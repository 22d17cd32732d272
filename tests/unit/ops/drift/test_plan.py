"""Plans of `drift`: read as they were kept, and told by class."""

from __future__ import annotations

import json

import pytest

from worker.ops.drift.compare import AccountDrift
from worker.ops.drift.plan import DriftedPerson, DriftGroup, DriftPlan
from worker.ops.stored_plan import NotAPlanError
from worker.subscribers.drifted import DriftKind, DriftRow

ADA = DriftedPerson(
    "ada@example.com", (DriftRow(DriftKind.FIELD, "Plan", "Gold"), DriftRow(DriftKind.TAG_MISSING, "VIP"))
)
BOB = DriftedPerson("bob@example.com", (DriftRow(DriftKind.TAG_MISSING, "VIP"),))
PLAN = DriftPlan("sunny", "v-1", [ADA, BOB])


def test_a_plan_is_read_as_it_was_kept() -> None:
    assert DriftPlan.load(PLAN.dump()) == PLAN
    assert DriftPlan.load(PLAN.dump()).hash == PLAN.hash
    assert DriftPlan("sunny", "v-1", names=(AccountDrift("tags", "VIP"),)).hash == ""


@pytest.mark.parametrize("change", [{"people": []}, {"account": "rainy"}, {"format": "another"}])
def test_what_was_changed_by_hand_is_refused(change: dict[str, object]) -> None:
    text = json.dumps(json.loads(PLAN.dump()) | change)
    with pytest.raises(NotAPlanError, match="was changed"):
        DriftPlan.load(text.encode())


def test_differences_are_told_by_class_and_name() -> None:
    assert list(PLAN.groups()) == [
        DriftGroup("tag_missing", "VIP", 2, (ADA.email, BOB.email)),
        DriftGroup("field", "Plan", 1, (ADA.email,)),
    ]
