"""`access.granted` where an account's file says nothing."""

from __future__ import annotations

import pytest

from tests.unit.handlers.harness import EVENT_TIME, implied, tags
from worker.errors import InvalidEvent
from worker.handlers.access_granted import HANDLER


def test_granted_access_is_tagged_by_its_level() -> None:
    assert tags(HANDLER, access={"level": "Gold"}) == {"Gold access": True}


@pytest.mark.parametrize("access", [{}, {"level": None}, {"level": " "}, None])
def test_access_without_a_level_is_an_invalid_event(access: object) -> None:
    with pytest.raises(
        InvalidEvent, match=r"^mk_access_level: has no value, but the tag '\{mk_access_level\} access'"
    ):
        tags(HANDLER, access=access)


def test_it_implies_when_access_was_granted() -> None:
    assert implied(HANDLER) == {"mk_access_granted_at": EVENT_TIME}
