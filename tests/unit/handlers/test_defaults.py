"""What each event type does where an account's file says nothing."""

from __future__ import annotations

import pytest

from tests.unit.examples import event
from worker.errors import InvalidEvent
from worker.handlers import HANDLERS
from worker.mapping import to_change


def tags(type_: str, **objects: object) -> dict[str, bool]:
    """The tags that an event adds (True) and removes (False) by default."""
    handler = HANDLERS[type_]
    assert handler.default is not None
    happened = event(1, type_, {"user": {"email": "ada@example.com"}, **objects})
    change = to_change(handler.default, (), handler.lookup(happened), happened.order)
    return {part.value.name: part.value.present for part in change.tags.values()}


def test_signing_up_makes_sure_of_the_subscriber_and_tags_nobody() -> None:
    assert tags("user.signed_up") == {}


def test_a_started_subscription_makes_an_active_member() -> None:
    assert tags("subscription.started") == {"Active Member": True, "Cancelled": False}


def test_a_canceled_subscription_makes_a_cancelled_one() -> None:
    assert tags("subscription.canceled") == {"Active Member": False, "Cancelled": True}


def test_granted_access_is_tagged_by_its_level() -> None:
    assert tags("access.granted", access={"level": "Gold"}) == {"Gold access": True}


@pytest.mark.parametrize("access", [{}, {"level": None}, {"level": " "}, None])
def test_access_without_a_level_is_an_invalid_event(access: object) -> None:
    with pytest.raises(
        InvalidEvent, match=r"^mk_access_level: has no value, but the tag '\{mk_access_level\} access'"
    ):
        tags("access.granted", access=access)
