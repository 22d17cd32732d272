"""All rows, in the order of the table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from tests.bench.bench import Bench
from tests.bench.figures import Line
from tests.bench.rows import (
    accounts,
    calls,
    declared,
    different,
    idle,
    kill,
    limited,
    memory,
    noisy,
    speed,
    views,
    window,
)

Measure: TypeAlias = Callable[[Bench, int], Awaitable[list[Line]]]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the benchmark: one question, and one or more lines of the table.

    Attributes:
        measure: Takes what to measure with and the number of rounds.
        short: The same for the short form, which judges counts only; None: it does not belong to that.
        waits: Whether it mostly waits, and so is measured beside the others that do.
    """

    about: str
    measure: Measure
    short: Measure | None = None
    waits: bool = False


ROWS: Final[Mapping[str, Row]] = {
    calls.NAME: Row(
        "Kit calls per event, and people with a wrong final state", calls.measure, calls.measure_ours
    ),
    window.NAME: Row("a backlog at Kit's limit, and newcomers meanwhile", window.measure, waits=True),
    limited.NAME: Row("a backlog under Kit's real limit for OAuth", limited.measure, waits=True),
    speed.NAME: Row("events a second, bulk calls, limits off", speed.measure),
    different.NAME: Row("events a second, everyone different, limits off", different.measure),
    idle.NAME: Row("one event when idle", idle.measure),
    memory.NAME: Row("memory beside the length of the queue", memory.measure, waits=True),
    accounts.NAME: Row("64 accounts on 1, 2 and 4 workers", accounts.measure),
    noisy.NAME: Row("one noisy account beside 15 quiet ones", noisy.measure),
    kill.NAME: Row("from kill -9 to the next event applied", kill.measure, waits=True),
    declared.NAME: Row("what 1,000 accounts cost that have nothing to do", declared.measure),
    views.NAME: Row("the page's views over a million lines of history", views.measure),
}
