"""How an account stands, by what all workers say of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from worker.ledger.connecting import Connected
from worker.ledger.pauses import Pause
from worker.ledger.registry import Overview, WorkerView
from worker.metrics import STATES as ALL_STATES
from worker.page.state import Workers, state_of
from worker.page.words import BEST_FIRST, NEW_KEY, NO_KEY_YET, NOBODY, NOT_KNOWN, REFUSED, STATES, Told


def worker(name: str, state: str, *, live: bool = True, **report: Any) -> WorkerView:  # noqa: ANN401
    return WorkerView(name, "1.0", f"i-{name}", 100.0, live, {"sunny": {"state": state, **report}})


def seen(*workers: WorkerView, paused: bool = False, holder: str = "") -> Workers:
    holders = {"sunny": holder} if holder else {}
    pauses = {"sunny": Pause(90.0, 3600.0, "moving tags")} if paused else {}
    return Workers(Overview(workers, pauses, holders, 100.0))


def test_every_state_has_its_words() -> None:
    assert set(STATES) == set(ALL_STATES) == set(BEST_FIRST)
    assert all(told.remedy for told in STATES.values() if told.mood != "good")


@pytest.mark.parametrize("state", ALL_STATES)
def test_a_state_is_told_in_words(state: str) -> None:
    found = state_of("sunny", seen(worker("w1", state)))
    assert (found.told, found.worker, found.others) == (STATES[state], "w1", 0)


def test_the_worker_that_holds_the_account_speaks_for_it() -> None:
    found = state_of("sunny", seen(worker("w1", "waiting"), worker("w2", "held"), holder="w2"))
    assert (found.told, found.worker, found.others) == (STATES["held"], "w2", 1)


def test_what_is_held_is_told_whichever_worker_says_so_and_also_of_an_account_that_is_paused() -> None:
    workers = worker("w1", "running", taggings_held=3), worker("w2", "waiting")
    assert [state_of("sunny", seen(*workers, paused=paused)).held for paused in (False, True)] == [3, 3]


def test_where_nobody_holds_it_the_best_state_counts() -> None:
    found = state_of("sunny", seen(worker("w1", "credential_refused"), worker("w2", "running")))
    assert found.worker == "w2"


def test_a_worker_that_is_gone_does_not_count() -> None:
    assert state_of("sunny", seen(worker("w1", "running", live=False))).told == NOBODY


def test_a_pause_is_told_whoever_has_it() -> None:
    found = state_of("sunny", seen(worker("w1", "held"), paused=True))
    assert found.paused_since == 90.0
    assert "paused (moving tags)" in found.told.sentence
    assert "goes on by itself at 1970-01-01 01:00 UTC" in found.told.remedy


def test_without_the_ledger_nobody_knows() -> None:
    assert state_of("sunny", Workers(problem="it is away")).told == NOT_KNOWN


def test_a_state_of_a_later_version_is_not_known() -> None:
    assert state_of("sunny", seen(worker("w1", "dreaming"))).told == NOT_KNOWN


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        ({"last_error": "Kit says 500"}, "Kit says 500"),
        ({"last_error": "", "config_errors": ["line 3", "line 4"]}, "line 3"),
        ({"last_error": "", "config_errors": None}, ""),
    ],
)
def test_the_latest_problem_is_told(report: dict[str, Any], problem: str) -> None:
    assert state_of("sunny", seen(worker("w1", "held", **report))).problem == problem


def test_without_a_key_the_state_says_that_and_no_worker_is_quoted() -> None:
    """Given no key yet, workers say that they cannot call Kit; where none is, the key is missing as well."""
    lacking = {"sunny": NO_KEY_YET}
    for workers in ((worker("w1", "credential_refused", last_error="no API key has been"),), ()):
        overview = Overview(workers, {}, {}, 100.0)
        found = state_of("sunny", Workers(overview, lacking=lacking))
        assert (found.told, found.problem) == (NO_KEY_YET, "")
    paused = state_of("sunny", replace(seen(worker("w1", "running"), paused=True), lacking=lacking))
    assert paused.paused_since is not None


@pytest.mark.parametrize(
    ("entered", "told"), [(50.0, REFUSED), (94.0, REFUSED), (96.0, NEW_KEY), (101.0, NEW_KEY)]
)
def test_what_a_worker_said_of_the_key_before_is_not_said_of_a_new_one(entered: float, told: Told) -> None:
    """Given a sign of a worker at second 100, it may not have had a key that was entered since second 95."""
    refusing = seen(worker("w1", "credential_refused", last_error="401"))
    found = state_of("sunny", replace(refusing, connected={"sunny": Connected(7, entered)}))
    assert (found.told, found.problem) == (told, "401" if told is REFUSED else "")


def test_all_workers_calls_count_for_kits_limit() -> None:
    """Given two workers, one of before calls were told, the account's calls are those of both."""
    workers = (worker("w1", "running", kit_calls=17), worker("w2", "waiting", kit_calls=3))
    assert state_of("sunny", seen(*workers, worker("w3", "waiting"))).calls == 20
