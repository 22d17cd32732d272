"""How large an event may be that somebody types, and what is said of a larger one. Pure."""

from __future__ import annotations

import json

from worker.events.body import MAX_BODY_BYTES


def too_large(size: int) -> str:
    """Return what is wrong with an event of so many bytes, and what to do; empty where it is small enough."""
    if size <= MAX_BODY_BYTES:
        return ""
    return (
        f"the event has {size:,} bytes, and at most {MAX_BODY_BYTES:,} (256 KiB) are taken; leave out what "
        "no rule and no field needs, and have the platform send less"
    )


def as_small(body: bytes) -> bytes:
    """Return an event as it is, or, where it is too large so, without the blanks that people read it by."""
    if len(body) <= MAX_BODY_BYTES:
        return body
    return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
