"""Whose event of a run is whose."""

from __future__ import annotations

from tests.pace import takes_less
from worker.ops.apply_plan import ApplyPlan, PlannedPerson
from worker.ops.apply_run import people_by_event, run_of


def plan_for(count: int) -> ApplyPlan:
    people = [PlannedPerson(f"person{number}@example.com", ("VIP",), (), ()) for number in range(count)]
    return ApplyPlan("sunny", "v-1", people)


def test_each_person_has_an_event_of_the_run_by_number() -> None:
    plan = plan_for(2)
    assert people_by_event(plan) == dict(
        zip((f"{run_of(plan)}-0000001", f"{run_of(plan)}-0000002"), plan.people, strict=True)
    )


def test_what_a_plan_is_called_is_worked_out_once_for_all_of_its_people() -> None:
    plan = plan_for(10_000)
    assert takes_less(lambda: people_by_event(plan), 0.5)
