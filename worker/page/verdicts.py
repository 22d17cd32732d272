"""What would become of an event, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from worker.accounts.preview import PreviewVerdict
from worker.ops.trying import Tried
from worker.page.words import Told, many
from worker.subscribers.item import Kind

NOT_SENT: Final = "Nothing was sent: neither to Kit, nor to a queue, nor into the ledger."
NOTHING_DONE: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.FORGOTTEN: "It would be ignored: its person was forgotten here, later than it happened.",
        Kind.DUPLICATE: (
            "It would be a duplicate, so nothing would be done: one of this id, type and time was applied."
        ),
        Kind.SUPERSEDED: (
            "Nothing would be done: all that it says is so already, or newer events say otherwise."
        ),
    }
)


def of_tried(tried: Tried) -> Told:
    """Return what would become of an event."""
    mood, sentence = _sentence(tried)
    return Told(mood, sentence, NOT_SENT)


def _sentence(tried: Tried) -> tuple[str, str]:
    if tried.kind in NOTHING_DONE:
        return "busy", NOTHING_DONE[tried.kind]
    match tried.kind:
        case Kind.DEAD_LETTERED:
            reason = f" ({tried.preview.reason})" if tried.preview.reason else ""
            return "bad", f"It would be a dead letter{reason}: {tried.detail}."
        case Kind.IGNORED:
            return "busy", f"It would be ignored: {tried.detail or 'the file asks for nothing'}."
        case Kind.SCHEDULED:
            return "good", f"It would wait, {tried.detail}."
    return _applied(tried)


def _applied(tried: Tried) -> tuple[str, str]:
    if not tried.calls:
        done = "It would be applied without a call: Kit has it all already, by its own answers"
    else:
        done = f"It would be applied, with {many(len(tried.calls), 'call')} to Kit"
    if tried.preview.verdict is PreviewVerdict.PARTLY_APPLIED:
        return "bad", f"{done}; the rest would be a dead letter ({tried.preview.reason}): {tried.detail}."
    later = f"; and again {tried.detail}" if tried.detail else ""
    return "good", f"{done}{later}."
