"""How a plan of `apply` ended, in words."""

from __future__ import annotations

from worker.ledger.plan_runs import PlanAction
from worker.ops.told_apply import told_plan_end
from worker.ops.told_end import HELD, NOT_DONE, ToldEnd


def test_a_plan_that_was_done_for_everybody_is_told_in_one_sentence() -> None:
    told = told_plan_end(PlanAction.APPLY, {"applied": 1_000, "superseded": 1})
    assert told == ToldEnd(is_all=True, sentence="Done: 1,001 people.")


def test_of_those_whose_tags_are_held_it_was_not_done_and_who_lets_them_through_is_said() -> None:
    """Given tags that became held between the plan and people's turn, nobody hears that all is done."""
    told = told_plan_end(PlanAction.APPLY, {"applied": 7, HELD: 2, NOT_DONE: 1})
    assert not told.is_all
    assert told.sentence.startswith("Done: 7 of 10 people.")
    assert told.why == (
        "2: tags of theirs are held by max_new_taggings_per_hour: kit-worker allow shows them",
        "1: the run was stopped before their turn",
    )
