"""`subscription.canceled` where an account's file says nothing."""

from __future__ import annotations

from tests.unit.handlers.harness import EVENT_TIME, implied, tags
from worker.handlers.subscription_canceled import HANDLER


def test_a_canceled_subscription_makes_a_cancelled_member() -> None:
    assert tags(HANDLER) == {"Active Member": False, "Cancelled": True}


def test_it_implies_when_the_subscription_was_canceled_and_that_it_is() -> None:
    assert implied(HANDLER) == {
        "mk_subscription_canceled_at": EVENT_TIME,
        "mk_subscription_status": "canceled",
    }
