"""`user.signed_up` where an account's file says nothing."""

from __future__ import annotations

from tests.unit.handlers.harness import EVENT_TIME, implied, tags
from worker.handlers.user_signed_up import HANDLER


def test_signing_up_makes_sure_of_the_subscriber_and_tags_nobody() -> None:
    assert tags(HANDLER) == {}


def test_it_implies_when_the_person_signed_up() -> None:
    assert implied(HANDLER) == {"mk_signed_up_at": EVENT_TIME}
