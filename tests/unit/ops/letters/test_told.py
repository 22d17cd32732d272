"""What dry runs said of letters is kept, of the last ones, and of the first letters of each."""

from __future__ import annotations

from worker.ops.letters.fate import Fate
from worker.ops.letters.told import FIRST, RUNS, ToldFates
from worker.subscribers.item import Kind

FATE = Fate(Kind.APPLIED)


def test_the_first_letters_of_a_run_are_kept_in_their_order() -> None:
    told = ToldFates()
    told.begin(1)
    for number in range(FIRST + 10):
        told.tell(1, f"letter-{number}", FATE)

    assert list(told.of(1)) == [f"letter-{number}" for number in range(FIRST)]


def test_a_run_that_begins_anew_says_nothing_of_before() -> None:
    told = ToldFates()
    for _ in range(2):
        told.begin(1)
        told.tell(1, "letter-1", FATE)

    assert told.of(1) == {"letter-1": FATE}


def test_of_many_runs_the_oldest_go_and_of_others_nothing_is_known() -> None:
    told = ToldFates()
    for run in range(RUNS + 1):
        told.begin(run)
        told.tell(run, "letter-1", FATE)
    told.tell(RUNS + 7, "letter-1", FATE)

    assert (told.of(0), told.of(RUNS + 7)) == ({}, {})
    assert told.of(1) == told.of(RUNS) == {"letter-1": FATE}
