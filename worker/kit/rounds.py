"""What came of the changes of many people that were written together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from worker.errors import CredentialRefused, TryLater
from worker.subscribers.change import Change

K = TypeVar("K", bound=Hashable)


@dataclass(slots=True)
class Round(Generic[K]):
    """What came of many changes.

    Attributes:
        done: Whose change is true in Kit.
        alone: Who is left to single calls.
        error: Why Kit is left alone for now; then nothing is done or left, and all are to be tried again.
        failed: In whose calls that happened.
    """

    done: list[K] = field(default_factory=list)
    alone: list[K] = field(default_factory=list)
    error: TryLater | CredentialRefused | None = None
    failed: set[K] = field(default_factory=set)


class WritesTogether(Protocol[K]):
    """Makes many changes true in Kit; `worker.kit.bulk_writer.BulkWriter` does."""

    async def apply(self, changes: Sequence[tuple[K, Change]], /, *, one_at_a_time: bool) -> Round[K]:
        """Make them true. What was done of each by the end is not done again by a later try.

        Args:
            changes: Whose, and what.
            one_at_a_time: Whether one call is to end well before the next begins, to find out if Kit works.
        """
