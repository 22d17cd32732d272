"""Event types that only an admin's file knows."""

from __future__ import annotations

from tests.unit.handlers.harness import implied
from worker.handlers.mapped_only import HANDLER


def test_it_does_nothing_by_itself_and_implies_nothing() -> None:
    assert HANDLER.default is None
    assert implied(HANDLER) == {}
