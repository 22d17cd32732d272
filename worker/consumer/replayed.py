"""What became of events that a run over dead letters put back, counted for that run. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from worker.events.delivery import Delivery
from worker.events.event import REPLAY_RUN
from worker.subscribers.item import Outcome

_MOST_DIGITS: Final = 18
"""Of a run's number, as databases have it."""


def ends_of_runs(outcomes: Iterable[Outcome]) -> Mapping[tuple[int, str], int]:
    """Return how many events that runs put back ended, by run and by kind of end."""
    runs = ((_run_of(each.item.delivery), each.kind.value) for each in outcomes)
    return Counter((run, kind) for run, kind in runs if run is not None)


def _run_of(delivery: Delivery) -> int | None:
    """Return which run put an event back; None where none did."""
    if delivery.exchange or REPLAY_RUN not in delivery.headers:
        return None  # what came through an exchange is somebody else's
    run = delivery.headers[REPLAY_RUN]
    is_number = isinstance(run, str) and run.isascii() and run.isdigit() and len(run) <= _MOST_DIGITS
    return int(run) if is_number else None
