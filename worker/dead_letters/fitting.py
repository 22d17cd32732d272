"""What of a message's headers fits into those of its dead letter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from worker.broker import frames
from worker.events.envelope import counts
from worker.events.event import ORIGINAL

MAX_HEADER_BYTES: Final = 64 * 1024
"""RabbitMQ closes the connection on a header frame near 131 kB; ours need room beside the original ones."""


def fitting(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the headers that can be sent again; where they are too large, a note and what a replay needs."""
    size = _size(headers)
    if size <= MAX_HEADER_BYTES:
        return _sendable(headers)
    note = f"{len(headers)} headers of {size} bytes left out; at most {MAX_HEADER_BYTES} are kept"
    attributes = {name: value for name, value in headers.items() if counts(name)}
    kept = _sendable(attributes) if _size(attributes) <= MAX_HEADER_BYTES else {}
    return {f"{ORIGINAL}headers": note, **kept}


def _size(headers: Mapping[str, Any]) -> int:
    """Return how many bytes headers take; of what is kept as text instead, none."""
    sizes = {name: frames.encoded_size(value) for name, value in headers.items()}
    return sum(len(name.encode()) + size for name, size in sizes.items() if size is not None)


def _sendable(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: frames.readable(repr(value))[:1000] if frames.encoded_size(value) is None else value
        for name, value in headers.items()
    }
