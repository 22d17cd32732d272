"""What would become of an event, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from worker.errors import Reason
from worker.ops.tried import Tried
from worker.subscribers.item import Kind

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


def verdict_on(tried: Tried) -> str:
    """Return what would become of an event, for people."""
    if tried.kind in NOTHING_DONE:
        return NOTHING_DONE[tried.kind]
    match tried.kind:
        case Kind.DEAD_LETTERED if tried.reason is Reason.PARTLY_APPLIED:
            return sentence(
                f"{_done(tried)}; the rest would be a dead letter ({tried.reason}): {tried.detail}"
            )
        case Kind.DEAD_LETTERED:
            reason = f" ({tried.reason})" if tried.reason else ""
            return sentence(f"It would be a dead letter{reason}: {tried.detail}")
        case Kind.IGNORED:
            return sentence(f"It would be ignored: {tried.detail or 'the file asks for nothing'}")
        case Kind.SCHEDULED:
            return sentence(f"It would wait, {tried.detail}")
    return sentence(f"{_done(tried)}{f'; and again {tried.detail}' if tried.detail else ''}")


def sentence(text: str) -> str:
    """Return a text with a full stop, unless it ends as a question: did you mean …?"""
    return text if text.endswith(("?", ".")) else f"{text}."


def _done(tried: Tried) -> str:
    held = " and ".join(map(repr, tried.held))
    return f"{_called(tried)}; held until somebody allows it: {held}" if held else _called(tried)


def _called(tried: Tried) -> str:
    if not tried.calls and tried.held:
        return "It would be applied without a call"
    if not tried.calls:
        return "It would be applied without a call: Kit has it all already, by its own answers"
    count = len(tried.calls)
    return f"It would be applied, with {count} call{'' if count == 1 else 's'} to Kit"
