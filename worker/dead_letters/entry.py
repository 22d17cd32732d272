"""What the ledger's index says of a dead letter: harmless, and within the bounds of its columns."""

from __future__ import annotations

from typing import Final

from worker.dead_letters.letter import DeadLetter
from worker.outside.texts import line
from worker.subscribers.identity import id_key
from worker.subscribers.known import LetterEntry

MAX_REASON: Final = 64
MAX_DETAIL: Final = 1000
MAX_TIME: Final = 40
NO_REASON: Final = "unknown"
"""Of a letter that somebody else put into the queue."""


def entry_of(letter: DeadLetter) -> LetterEntry:
    """Return what the index says of a letter; its headers may say anything, of any length."""
    user_id = letter.seen.user_id
    return LetterEntry(
        id=id_key(letter.id),
        reason=line(letter.reason, MAX_REASON) or NO_REASON,
        detail=line(letter.detail, MAX_DETAIL),
        event_type=line(letter.event_type, addresses=False),
        event_id=id_key(letter.event_id),
        event_time=line(letter.event_time, MAX_TIME),
        failed_at=line(letter.failed_at, MAX_TIME),
        attempts=max(0, min(letter.attempts, 2**31 - 1)),
        email=letter.seen.email,
        user_id=None if user_id is None else id_key(user_id),
    )
