"""How what would become of an event is shown."""

from __future__ import annotations

from typing import Final

from worker.ops.tried import Tried
from worker.ops.verdict import verdict_on
from worker.page.words import Told
from worker.subscribers.item import Kind

NOT_SENT: Final = "Nothing was sent: neither to Kit, nor to a queue, nor into the ledger."
GOOD: Final = frozenset({Kind.APPLIED, Kind.SCHEDULED})


def of_tried(tried: Tried) -> Told:
    """Return what would become of an event."""
    mood = "bad" if tried.kind is Kind.DEAD_LETTERED else "good" if tried.kind in GOOD else "busy"
    return Told(mood, verdict_on(tried), NOT_SENT)
