"""What becomes of events that a run put back is counted for that run."""

from __future__ import annotations

import pytest

from worker.consumer.replayed import ends_of_runs
from worker.events.delivery import Delivery
from worker.subscribers.item import Item, Kind, Outcome


def outcome(run: object, kind: Kind = Kind.APPLIED, *, exchange: str = "") -> Outcome:
    """Return the end of an event that a run put back."""
    return Outcome(Item(Delivery(b"", "kit.main", headers={"x-replay-run": run}, exchange=exchange)), kind)


def test_ends_are_counted_by_run_and_kind() -> None:
    ended = [outcome("7"), outcome("7"), outcome("7", Kind.SUPERSEDED), outcome("8", Kind.DEAD_LETTERED)]
    others = [Outcome(Item(Delivery(b"", "kit.main")), Kind.APPLIED)]
    assert ends_of_runs([*ended, *others]) == {
        (7, "applied"): 2,
        (7, "superseded"): 1,
        (8, "dead_lettered"): 1,
    }


@pytest.mark.parametrize("run", ["", "x", "-1", "1.5", "²", "9" * 19, 7, None, b"7"])
def test_what_is_no_run_counts_for_none(run: object) -> None:
    assert ends_of_runs([outcome(run)]) == {}


def test_what_a_publisher_says_is_not_believed() -> None:
    """Given a message through an exchange, it is no replay."""
    assert ends_of_runs([outcome("7", exchange="platform.events")]) == {}
