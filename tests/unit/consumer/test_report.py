"""How the end of an event is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs
from structlog.testing import capture_logs

from tests.clocks import StandingClock
from tests.unit.examples import EMAIL, NOON, event
from worker.consumer.report import Report
from worker.events.delivery import Delivery
from worker.events.event import Due
from worker.metrics import Metrics
from worker.subscribers.item import Item, Kind, Later, Outcome

DUE = Due("d-1", NOON + timedelta(days=30))


def told(kind: Kind, *, due: Due | None = None, later: Later | None = None, at: float) -> tuple[Any, Metrics]:
    """The log line of an event of noon that ends so, at some seconds since 1970, and the metrics."""
    metrics = Metrics()
    item = Item(Delivery(b"", ""), structs.replace(event(0), due=due), EMAIL, later=later)
    with capture_logs() as logs:
        Report("main", metrics, StandingClock(at)).ended(Outcome(item, kind))
    (line,) = logs
    return line, metrics


def age(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("kit_worker_event_age_seconds_sum", {"account": "main"})


@pytest.mark.parametrize(("due", "since"), [(None, NOON), (DUE, DUE.at)])
def test_an_event_is_as_old_as_what_it_does(due: Due | None, since: Any) -> None:  # noqa: ANN401  # a time
    """Given an event that came in again after a month, its age counts from when it was due."""
    _, metrics = told(Kind.APPLIED, due=due, at=since.timestamp() + 2)

    assert age(metrics) == pytest.approx(2.0)


def test_what_takes_effect_later_is_told_with_its_time_and_has_no_age() -> None:
    later = Later(DUE.at, "tag 'Cancelled'", alone=True)

    line, metrics = told(Kind.SCHEDULED, later=later, at=NOON.timestamp())

    assert (line["event"], line["later"]) == ("event_scheduled", "on 2026-07-31T12:00:00Z: tag 'Cancelled'")
    assert age(metrics) is None
    labels = {"account": "main", "type": "user.signed_up", "outcome": "scheduled"}
    assert metrics.registry.get_sample_value("kit_worker_events_total", labels) == 1


def test_an_event_that_is_done_tells_of_no_later() -> None:
    assert "later" not in told(Kind.APPLIED, at=NOON.timestamp())[0]


def test_what_is_held_is_told_once_a_minute_with_what_asks_for_it() -> None:
    """Given a flood, the first is told at once, and what came since when a minute is over."""
    clock = StandingClock(NOON.timestamp())
    report, item = Report("main", Metrics(), clock), Item(Delivery(b"", ""), event(0), EMAIL)
    with capture_logs() as logs:
        for held in (("VIP",), ("VIP", "New"), ()):
            report.ended(Outcome(item, Kind.APPLIED, held=held))
        clock.wait(61.0)
        report.ended(Outcome(item, Kind.APPLIED))
    lines = [line for line in logs if line["event"] == "taggings_held"]
    assert [(line["count"], line["asked_by"]) for line in lines] == [
        (1, ["user.signed_up: VIP (1)"]),
        (2, ["user.signed_up: VIP (1)", "user.signed_up: New (1)"]),
    ]


def test_the_last_of_what_is_held_is_told_though_nothing_comes_any_more() -> None:
    """Given a flood that is over, whoever looks once in a while has the rest told; at the end, at once."""
    clock = StandingClock(NOON.timestamp())
    report, item = Report("main", Metrics(), clock), Item(Delivery(b"", ""), event(0), EMAIL)
    with capture_logs() as logs:
        for _ in range(3):
            report.ended(Outcome(item, Kind.APPLIED, held=("VIP",)))
        report.tell_held()
        clock.wait(61.0)
        report.tell_held()
        report.tell_held()
        report.ended(Outcome(item, Kind.APPLIED, held=("VIP",)))
        report.tell_held(at_once=True)
        report.tell_held(at_once=True)
    assert [line["count"] for line in logs if line["event"] == "taggings_held"] == [1, 2, 1]
