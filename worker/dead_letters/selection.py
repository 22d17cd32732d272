"""Which dead letters an operation is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from worker.dead_letters.letter import DeadLetter
from worker.subscribers.identity import id_key


class Selects(Protocol):
    """Says which dead letters an operation is about."""

    def matches(self, letter: DeadLetter, /) -> bool:
        """Tell whether a dead letter is meant."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters an operation is about; an empty set leaves that open.

    Attributes:
        ids: Ids of dead letters, or of their events.
        matching: Words that stand in what a list says of why, `reason: detail`; case and blanks do not count.
    """

    reasons: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    matching: str = ""

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is meant."""
        return (
            (not self.reasons or letter.reason in self.reasons)
            and (not self.types or letter.event_type in self.types)
            and (not self.ids or self._names(letter))
            and (not self.matching or _plain(self.matching) in _plain(f"{letter.reason}: {letter.detail}"))
        )

    def _names(self, letter: DeadLetter) -> bool:
        known_by = {letter.id, letter.event_id or letter.id}
        return any(each in known_by or id_key(each) in known_by for each in self.ids)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


EVERYTHING: Final = Selection()
