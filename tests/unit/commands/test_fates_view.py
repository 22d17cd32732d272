"""What a dry run says: how many of each fate, some of each, a summary, and what to do first."""

from __future__ import annotations

import json

import pytest

from worker.commands.fates_view import show_fates
from worker.dead_letters.letter import DeadLetter
from worker.ops.letters.fate import Fate
from worker.subscribers.item import Kind

FATES = [
    Fate(Kind.APPLIED),
    Fate(Kind.DEAD_LETTERED, "data.user.email: missing", "invalid_event"),
    Fate(Kind.APPLIED),
    Fate(Kind.APPLIED, "if Kit takes it now", by_kit=True),
    Fate(Kind.SUPERSEDED, "newer events say otherwise"),
]


def told() -> list[tuple[DeadLetter, Fate]]:
    """Some letters of one account, with their fates."""
    return [
        (
            DeadLetter(
                f"letter-{number}", "sunny", "kit_rejected", "no", "user.signed_up", f"e-{number}",
                "2026-07-01T12:00:00Z", "2026-07-01T12:00:05Z", 1, "user.signed_up", {}, b"",
            ),
            fate,
        )
        for number, fate in enumerate(FATES, 1)
    ]  # fmt: skip


def test_letters_are_counted_and_named_by_their_fate(capsys: pytest.CaptureFixture[str]) -> None:
    show_fates(told(), 1, ["sunny: one more thing."], as_json=False)

    said = capsys.readouterr().out.splitlines()
    lines = [line.split() for line in said if line.startswith("letter-")]
    assert [line[0] for line in lines] == ["letter-1", "letter-4", "letter-2", "letter-5"]
    assert said[1].split() == ["sunny", "applied", "2"]
    assert "These are 4 of 5, the oldest of each: --limit 0 shows all of them." in said
    assert said[-3:] == [
        (
            "sunny: 3 would be applied, 1 would change nothing, 1 would fail again. The first that would "
            "fail again: invalid_event: data.user.email: missing. Put that right first. Kit refused 1 of "
            "those that would be applied, and was not asked: try one first."
        ),
        "Nothing was put back.",
        "sunny: one more thing.",
    ]


def test_programs_get_an_object_for_each_letter_in_the_order_of_the_replay(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show_fates(told(), 1, ["sunny: one more thing."], as_json=True)

    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert [(each["id"], each["fate"]) for each in found] == [
        ("letter-1", "applied"),
        ("letter-2", "dead_lettered"),
        ("letter-3", "applied"),
        ("letter-4", "applied"),
        ("letter-5", "superseded"),
    ]
    assert found[1] == {
        "id": "letter-2",
        "account": "sunny",
        "event_type": "user.signed_up",
        "event_id": "e-2",
        "event_time": "2026-07-01T12:00:00Z",
        "failed_at": "2026-07-01T12:00:05Z",
        "reason": "kit_rejected",
        "fate": "dead_lettered",
        "why": "data.user.email: missing",
        "next_reason": "invalid_event",
        "by_kit": False,
    }
    assert "one more thing" in printed.err


def test_where_there_are_none_that_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    show_fates([], 20, [], as_json=False)
    assert capsys.readouterr().out == "No dead letter would be replayed.\n"
