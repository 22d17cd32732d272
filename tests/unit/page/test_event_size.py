"""How large an event may be that somebody types."""

from __future__ import annotations

import json

from worker.events.body import MAX_BODY_BYTES
from worker.page.event_size import as_small, too_large


def test_an_event_may_be_as_large_as_workers_take_it() -> None:
    assert too_large(MAX_BODY_BYTES) == ""
    assert "has 262,145 bytes, and at most 262,144 (256 KiB) are taken; leave" in too_large(
        MAX_BODY_BYTES + 1
    )


def test_blanks_count_only_where_they_do_no_harm() -> None:
    """Given an event that is too large by its blanks alone, it is the same without them."""
    event = {"é": [1] * 60_000}
    small, large = json.dumps([1, 2]).encode(), json.dumps(event, indent=8, ensure_ascii=False).encode()
    assert as_small(small) == small
    assert len(large) > MAX_BODY_BYTES > len(as_small(large))
    assert json.loads(as_small(large)) == event
