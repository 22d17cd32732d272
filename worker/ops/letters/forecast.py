"""What would become of dead letters that are replayed, counted and in words. Pure."""

from __future__ import annotations

from typing import NamedTuple

from worker.ops.letters.fate import Fate
from worker.subscribers.item import Kind


class Forecast(NamedTuple):
    """What would become of replayed letters.

    Attributes:
        applied: How many would be applied, or wait until they take effect.
        unchanged: How many would change nothing: newer events, or copies of them, were applied.
        again: How many would become dead letters again.
        by_kit: How many of `applied` Kit had refused, so that only Kit can say.
        why: Why the first of `again` would.
    """

    applied: int = 0
    unchanged: int = 0
    again: int = 0
    by_kit: int = 0
    why: str = ""

    def with_one_more(self, fate: Fate) -> Forecast:
        """Return what would become of these and one more."""
        if fate.kind is Kind.DEAD_LETTERED:
            return self._replace(again=self.again + 1, why=self.why or f"{fate.reason}: {fate.why}")
        if fate.kind in {Kind.APPLIED, Kind.SCHEDULED}:
            return self._replace(applied=self.applied + 1, by_kit=self.by_kit + fate.by_kit)
        return self._replace(unchanged=self.unchanged + 1)

    @property
    def told(self) -> str:
        """The counts, in a sentence."""
        return (
            f"{self.applied:,} would be applied, {self.unchanged:,} would change nothing, {self.again:,} "
            "would fail again."
        )

    @property
    def remedy(self) -> str:
        """What to know, and to do, before they are replayed; empty where that is nothing."""
        said = []
        if self.again:
            said.append(f"The first that would fail again: {self.why}. Put that right first.")
        if self.by_kit:
            said.append(
                f"Kit refused {self.by_kit:,} of those that would be applied, and was not asked: try one "
                "first."
            )
        return " ".join(said)
