"""`subscription.started` where an account's file says nothing."""

from __future__ import annotations

from tests.unit.handlers.harness import EVENT_TIME, implied, tags
from worker.handlers.subscription_started import HANDLER


def test_a_started_subscription_makes_an_active_member() -> None:
    assert tags(HANDLER) == {"Active Member": True, "Cancelled": False}


def test_it_implies_when_the_subscription_began_and_that_it_is_active() -> None:
    assert implied(HANDLER) == {
        "mk_subscription_started_at": EVENT_TIME,
        "mk_subscription_status": "active",
    }
