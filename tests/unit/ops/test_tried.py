"""Whether somebody would be otherwise in Kit once an event is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from worker.accounts.preview import CallView, Preview, PreviewVerdict
from worker.kit.person import KitPerson, KitTag
from worker.ops.compared import FieldState, TagState
from worker.ops.person import AskedKit
from worker.ops.tried import Tried
from worker.subscribers.item import Kind

PREVIEW = Preview("sunny", "order.paid", "ada@example.com", PreviewVerdict.APPLIED, None, "")
CALLS = (CallView("POST /v4/tags/{VIP}/subscribers/{id}", "add the tag VIP"),)
UNSUBSCRIBES = (CallView("POST /v4/subscribers/{id}/unsubscribe", "unsubscribe"),)
ADA = KitPerson(7, "ada@example.com", "active", "Ada")
VIP = TagState("VIP", wanted=True, in_kit=KitTag(1, "VIP"))
LOST = TagState("VIP", wanted=True)
KEPT = TagState("VIP", wanted=False, in_kit=KitTag(1, "VIP"))
PLAN = FieldState("Plan", "Gold", in_kit="Gold")
TOLD = frozenset({"vip", "Plan"})
BASE = Tried(PREVIEW, Kind.APPLIED, kit=AskedKit(ADA), tags=(VIP,), fields=(PLAN,), calls=CALLS, told=TOLD)


@pytest.mark.parametrize(
    ("tried", "changes"),
    [
        (BASE, False),
        (replace(BASE, tags=(LOST,)), True),
        (replace(BASE, tags=(KEPT,)), True),
        (replace(BASE, tags=(LOST,), told=frozenset({"Plan"})), False),
        (replace(BASE, fields=(replace(PLAN, in_kit=None),)), True),
        (replace(BASE, fields=(replace(PLAN, in_kit=None),), told=frozenset({"vip"})), False),
        (replace(BASE, tags=(LOST,), calls=()), False),
        (replace(BASE, kind=Kind.SCHEDULED), True),
        (replace(BASE, kind=Kind.SCHEDULED, calls=()), True),
        (replace(BASE, moves=True), True),
        (replace(BASE, kit=AskedKit(ADA, problem="it is away")), True),
        (replace(BASE, kit=AskedKit()), True),
        (replace(BASE, calls=UNSUBSCRIBES), True),
        (replace(BASE, calls=UNSUBSCRIBES, kit=AskedKit(replace(ADA, state="cancelled"))), False),
    ],
)  # fmt: skip
def test_something_changes_where_kit_would_be_told_what_it_does_not_have(
    tried: Tried,
    changes: bool,  # what is expected
) -> None:
    assert tried.changes_something is changes
