"""How runs end, in words."""

from __future__ import annotations

import pytest

from worker.ops.letters.ends import ended

GONE = "no longer there: somebody else took {}, or that was done just before the page was stopped."
HELD = "2 are where they were: another tool holds them."


@pytest.mark.parametrize(
    ("action", "numbers", "mood", "told"),
    [
        ("replay", (1, 1, 0), "good", "1 dead letter is back in the queue of events, in their order."),
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
