"""How mending what a comparison has found ended, in words."""

from __future__ import annotations

from collections import Counter

from worker.ops.drift.mend import told_mended
from worker.ops.told_end import HELD, ToldEnd


def test_what_was_not_to_be_done_is_told_and_nothing_is_left() -> None:
    told = told_mended(Counter({"applied": 2, "ignored": 1}))
    assert told.is_all
    assert told.sentence == "Done: 2 of 3 people."
    assert [each.partition(",")[0] for each in told.why] == ["1: nothing was to be done"]


def test_tags_that_are_held_are_left() -> None:
    assert told_mended(Counter({"applied": 2, HELD: 1})) == ToldEnd(
        is_all=False,
        sentence="Done: 2 of 3 people.",
        why=("1: tags of theirs are held by max_new_taggings_per_hour: kit-worker allow shows them",),
    )
