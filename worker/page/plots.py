"""A day as small plots, drawn here: bars of a quarter of an hour, as paths of SVG, and the same in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from worker.ledger.counts import QUARTER, Counts
from worker.ops.letters.ends import counted

BARS: Final = 96
"""A day's quarters of an hour; the last one is not over."""
HEIGHT: Final = 40
STEP: Final = 4
BAR: Final = 3
"""Widths of a bar with the gap after it, and without; in units of the plot, as the height."""
WIDTH: Final = BARS * STEP


@dataclass(frozen=True, slots=True)
class Drawn:
    """The bars of one kind.

    Attributes:
        kind: As the style sheet names it.
        path: In SVG; empty where there are none.
        told: What they show together, for people.
    """

    kind: str
    path: str
    told: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot.

    Attributes:
        name: What it shows.
        layers: The lowest first.
        most: Its highest bar, and when that was; empty where nothing happened.
    """

    name: str
    layers: tuple[Drawn, ...]
    most: str

    @property
    def told(self) -> str:
        """All that it shows, for whoever cannot see it."""
        parts = ", ".join(layer.told for layer in self.layers)
        return f"{self.name} in the last 24 hours: {parts}{f'; {self.most}' if self.most else ''}"


def first_quarter(now: float) -> int:
    """Return when the day begins that is drawn: at the first of so many quarters up to now."""
    return (int(now) // QUARTER - BARS + 1) * QUARTER


def plots(counts: Mapping[int, Counts], now: float) -> tuple[Plot, ...]:
    """Return the plots of a day.

    Args:
        counts: What happened, by the beginning of each quarter of an hour.
        now: Seconds since 1970.
    """
    begin = first_quarter(now)
    day = [counts.get(begin + bar * QUARTER, Counts()) for bar in range(BARS)]
    total = Counts(*(sum(getattr(each, name) for each in day) for name in Counts.__dataclass_fields__))
    ended = [
        ("applied", [each.applied for each in day], f"{total.applied:,} applied"),
        ("superseded", [each.superseded for each in day], f"{total.superseded:,} superseded"),
        ("dead", [each.dead for each in day], counted(total.dead)),
    ]
    ages = [each.mean_age for each in day]
    age = f"{duration(total.mean_age)} on average" if total.aged else "nothing was applied"
    return (
        _plot("Events", ended, begin, lambda most: f"{most:,.0f}"),
        _plot(
            "Calls to Kit",
            [("calls", [each.calls for each in day], f"{total.calls:,}")],
            begin,
            "{:,.0f}".format,
        ),
        _plot("From event to applied", [("age", ages, age)], begin, duration),
    )


def duration(seconds: float) -> str:
    """Return how long something took, for people."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def _plot(
    name: str,
    layers: Iterable[tuple[str, Sequence[float], str]],
    begin: int,
    told: Callable[[float], str],
) -> Plot:
    """Return a plot of layers, one on the other, as high as its highest bar."""
    kinds, rows, texts = zip(*layers, strict=True)
    sums = [sum(column) for column in zip(*rows, strict=True)]
    highest = max(sums)
    scale = HEIGHT / highest if highest else 0.0
    below, drawn = [0.0] * BARS, []
    for kind, row, text in zip(kinds, rows, texts, strict=True):
        drawn.append(Drawn(kind, _path(row, below, scale), text))
        below = [under + value for under, value in zip(below, row, strict=True)]
    at = datetime.fromtimestamp(begin + sums.index(highest) * QUARTER, UTC)
    most = f"most in a quarter of an hour: {told(highest)}, at {at:%H:%M} UTC" if highest else ""
    return Plot(name, tuple(drawn), most)


def _path(row: Sequence[float], below: Sequence[float], scale: float) -> str:
    """Return the bars of a row, which stand on what is below them."""
    return "".join(
        f"M{bar * STEP} {HEIGHT - under * scale:.1f}v-{value * scale:.1f}h{BAR}v{value * scale:.1f}z"
        for bar, (value, under) in enumerate(zip(row, below, strict=True))
        if value
    )
