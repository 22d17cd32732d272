"""Figures over several rounds, and lines of the table: what was measured beside what it should be. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over all rounds."""

    median: float
    lowest: float
    highest: float

    def text(self, digits: int) -> str:
        """Return it for people, with so many digits after the decimal point."""
        text = f"{self.median:,.{digits}f}"
        lowest, highest = f"{self.lowest:,.{digits}f}", f"{self.highest:,.{digits}f}"
        return text if lowest == highest else f"{text} ({lowest} to {highest})"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table.

    Attributes:
        row: The row of the benchmark that it belongs to; see `tests.bench.rows`.
        figures: By consumer; those that were not measured are absent.
        aim: What kit-worker should reach, for people; empty where there is no aim.
        met: None where there is no aim.
        failed: True where a count is so far off that neither the machine nor its load is an excuse.
        digits: After the decimal point.
        over: What each figure is the median of, and its spread.
    """

    row: str
    what: str
    figures: Mapping[str, Spread]
    aim: str = ""
    met: bool | None = None
    failed: bool = False
    digits: int = 0
    over: str = ""

    @classmethod
    def read(cls, saved: Mapping[str, Any]) -> Line:
        """Return what `dataclasses.asdict` made of one."""
        figures = {name: Spread(**figure) for name, figure in saved["figures"].items()}
        return cls(**{**saved, "figures": figures})

    @property
    def verdict(self) -> str:
        """Whether the aim was met, in a word."""
        return "" if self.met is None else ("met" if self.met else "missed")


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def rounds_of(values: Sequence[object]) -> str:
    """Say of how many rounds values are."""
    return "1 round" if len(values) == 1 else f"{len(values)} rounds"


def spread(values: Iterable[float]) -> Spread:
    """Return median, lowest and highest."""
    known = list(values)
    return Spread(median(known), min(known), max(known))
