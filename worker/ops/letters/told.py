"""What the last dry runs said of their first letters, kept in memory for whoever looks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from worker.ops.letters.fate import Fate

FIRST: Final = 50
"""Letters of one dry run that are kept."""
RUNS: Final = 100
"""Dry runs that are kept; of more the oldest go."""


class ToldFates:
    """The fates that were told, by dry run and by the letter's id."""

    def __init__(self) -> None:
        self._runs: dict[int, dict[str, Fate]] = {}

    def begin(self, run: int) -> None:
        """Forget what was told of a dry run, which begins, perhaps anew."""
        self._runs.pop(run, None)
        self._runs[run] = {}
        while len(self._runs) > RUNS:
            del self._runs[next(iter(self._runs))]

    def tell(self, run: int, letter_id: str, fate: Fate) -> None:
        """Keep what would become of a letter, if it is one of the first."""
        told = self._runs.get(run, {})
        if len(told) < FIRST:
            told[letter_id] = fate

    def of(self, run: int) -> Mapping[str, Fate]:
        """Return what was told, in the order of the replay; nothing of what was long ago, or elsewhere."""
        return self._runs.get(run, {})
