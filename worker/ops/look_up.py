"""Looks up the people of events that are tried: nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.subscribers.directory import Directory
from worker.subscribers.item import Item
from worker.subscribers.known import Known

NOBODY: Final = Known({}, {}, {})


async def look_up(directory: Directory, items: Sequence[Item], ledger: Ledger, tenure: Tenure | None) -> None:
    """Let a directory learn of events' people all that the ledger knows.

    Args:
        directory: It may know some of them.
        items: The events.
        ledger: The workers'.
        tenure: Of whoever has the account; None where nobody ever had it, and nothing is known.

    Raises:
        EpochLost: The account was taken over meanwhile.
        LedgerUnavailable: The ledger could not be read.
    """
    while any(unknown := directory.unknown(items)):
        known = NOBODY if tenure is None else await ledger.load(tenure, *unknown)
        directory.learn(*unknown, known)
