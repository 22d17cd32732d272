"""How runs end, in words."""

from __future__ import annotations

import pytest

from worker.ops.letters.ends import became, became_of_one, ended

GONE = (
    "no longer there: somebody else took {}, the person was forgotten, or that was done just before the page "
    "was stopped."
)
WAITS = "stands here once a worker is done with {}."
REST = f"of 595 more it {WAITS.format('them')}"
HELD = "2 are where they were: another tool holds them."


@pytest.mark.parametrize(
    ("action", "numbers", "mood", "told"),
    [
        ("replay", (1, 1, 0), "good", "1 dead letter is back in the queue of events, in their order."),
        ("discard", (1, 201, 0), "good", "201 dead letters are deleted for good."),
        ("discard", (1200, 1200, 0), "good", "1,200 dead letters are deleted for good."),
        (
            "replay", (5, 5, 2), "busy",
            f"3 dead letters are back in the queue of events, in their order. 2 were {GONE.format('them')}",
        ),
        (
            "archive", (5, 3, 1), "bad",
            f"2 dead letters are in the archive. 1 was {GONE.format('it')} {HELD}",
        ),
    ],
)  # fmt: skip
def test_an_end_says_what_is_so_of_each_letter(
    action: str, numbers: tuple[int, int, int], mood: str, told: str
) -> None:
    found = ended(action, *numbers)
    assert found[:2] == (mood, told)
    assert bool(found[2]) is (mood == "bad")


@pytest.mark.parametrize(
    ("back", "ends", "mood", "told"),
    [
        (
            1797, {"applied": 1790, "superseded": 6, "dead_lettered": 1}, "bad",
            "What became of them: 1,790 applied, 6 superseded by newer events, 1 is a dead letter again.",
        ),
        (
            1, {"dead_lettered": 1}, "bad",
            "What became of it: 1 is a dead letter again.",
        ),
        (
            5, {"ignored": 1, "forgotten": 1, "duplicate": 1, "scheduled": 2}, "good",
            "What became of them: 1 applied before already, 2 scheduled for later, 2 ignored.",
        ),
        (
            1797, {"applied": 1200, "superseded": 2, "dead_lettered": 0}, "busy",
            f"What became of them: 1,200 applied, 2 superseded by newer events; {REST}",
        ),
        (
            2, {"dead_lettered": 1}, "bad",
            f"What became of them: 1 is a dead letter again; of 1 more it {WAITS.format('it')}",
        ),
        (3, {}, "busy", f"What becomes of the 3 events {WAITS.format('them')}"),
        (1, {}, "busy", f"What becomes of the event {WAITS.format('it')}"),
        (2, {"applied": 3}, "good", "What became of them: 3 applied."),
        (0, {}, "", ""),
    ],
)  # fmt: skip
def test_what_became_of_replayed_events_is_counted(
    back: int, ends: dict[str, int], mood: str, told: str
) -> None:
    """Given events that are back in their queue, each end is counted, and so are those without one yet."""
    assert became(back, ends) == (mood, told)


def test_of_a_single_event_it_is_told_why() -> None:
    assert became_of_one("superseded", "") == ("good", "What became of it: superseded by newer events.")
    told = "What became of it: it is a dead letter again (Kit said no)."
    assert became_of_one("dead_lettered", "Kit said no") == ("bad", told)
