"""Timers that are kept outside memory."""

from __future__ import annotations

from datetime import UTC, datetime

from worker.ops.backfill.spool import Spool
from worker.subscribers.due_effect import DueEffect


def timer(number: int) -> DueEffect:
    time = datetime(2024, 1, 1, 0, 0, 0, number, tzinfo=UTC)
    id_ = None if number % 2 else f"ü-{number}"
    return DueEffect(
        f"run-{number}", 1.5 + number, "a@b.example", id_, "x", id_, time, "what", b"\0" * number
    )


def test_each_comes_out_as_it_was_put_in_in_any_order() -> None:
    with Spool() as spool:
        for number in range(50):
            spool.add(timer(number))
        assert len(spool) == 50
        for number in (49, 0, 7, 7, 48):
            assert spool[number] == timer(number)
