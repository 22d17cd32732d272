"""`access.granted` where an account's file says nothing."""

from __future__ import annotations

import pytest

from tests.unit.handlers.harness import EVENT_TIME, asked, implied, tags
from worker.handlers.access_granted import HANDLER


def test_granted_access_is_tagged_by_its_level() -> None:
    assert tags(HANDLER, access={"level": "Gold"}) == {"Gold access": True}


@pytest.mark.parametrize("access", [{}, {"level": None}, {"level": " "}, None])
def test_of_access_without_a_level_the_tag_is_owed(access: object) -> None:
    part = asked(HANDLER, access=access)

    assert part.change.tags == {}
    assert part.owed == ("mk_access_level: has no value, but the tag '{mk_access_level} access' needs it",)


def test_it_implies_when_access_was_granted() -> None:
    assert implied(HANDLER) == {"mk_access_granted_at": EVENT_TIME}
