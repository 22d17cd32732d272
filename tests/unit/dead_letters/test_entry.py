"""What the index says of a letter: all but its body, whoever wrote its headers."""

from __future__ import annotations

from tests.unit.dead_letters.letter.on_the_wire import delivered, letter_of, sent
from worker.dead_letters.entry import MAX_DETAIL, MAX_REASON, entry_of
from worker.dead_letters.letter import read_dead_letter
from worker.subscribers.known import LetterEntry


def test_a_workers_letter_is_told_with_its_person() -> None:
    body = b'{"data": {"user": {"id": "u-1", "email": "Ada@example.com"}}}'
    dead = sent(letter_of(delivered(body, message_id="e-1", message_type="user.signed_up")))

    entry = entry_of(read_dead_letter(dead, "default"))

    assert entry == LetterEntry(
        id="letter-1", reason="invalid_event", detail="data.user: missing", event_type="user.signed_up",
        event_id="e-1", event_time="2026-07-01T12:00:00Z", failed_at="2026-07-01T12:01:00Z", attempts=3,
        email="ada@example.com", user_id="u-1",
    )  # fmt: skip


def test_what_somebody_else_put_there_is_harmless_and_fits() -> None:
    """Given headers of any length that name an address, the index holds no more than it has room for."""
    headers = {
        "x-reason": "r" * 300, "x-detail": f"of ada@example.com\x1b[2J {'d' * 5000}",
        "x-failed-at": "t" * 300,
        "x-event-id": "e" * 3000, "x-event-type": "y" * 3000, "x-attempts": 2**40, "x-event-time": "\n",
    }  # fmt: skip
    entry = entry_of(read_dead_letter(delivered(headers=headers, message_id="m" * 250), "default"))

    assert (len(entry.reason), len(entry.detail)) == (MAX_REASON, MAX_DETAIL)
    assert "ada@" not in entry.detail
    assert "\x1b" not in entry.detail
    assert max(len(entry.event_id), len(entry.id)) <= 255
    assert max(len(entry.failed_at), len(entry.event_time)) <= 40
    assert entry.attempts < 2**31
