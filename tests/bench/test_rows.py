"""The verdict of each row: at its bound an aim is met, and beyond it missed."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.bench.bench import Drain
from tests.bench.consumers import PLAIN, STREAM, WORKER
from tests.bench.figures import Line
from tests.bench.rows import (
    accounts,
    calls,
    declared,
    different,
    idle,
    kill,
    limited,
    memory,
    noisy,
    speed,
    views,
)
from tests.bench.stand_in import Call

DRAIN = Drain(WORKER, 1000, 1.0, 1450, 0, 1.0, 0.5, {}, 0)
RIVALS = {PLAIN: [DRAIN], STREAM: [DRAIN]}


def verdicts(lines: Sequence[Line]) -> list[bool]:
    """Return whether each aim was met, those lines left out that have none."""
    return [line.met for line in lines if line.met is not None]


def counted(single: Drain = DRAIN, bulk: int = 60, lean: int = 25) -> list[Line]:
    """Return the lines that have an aim: calls and wrong people, of single calls, of bulk calls, and lean."""
    runs = {
        **RIVALS,
        calls.KEY: [single],
        calls.BULK: [replace(DRAIN, calls=bulk)],
        calls.BULK_LEAN: [replace(DRAIN, calls=lean)],
    }
    return [line for line in calls.lines(runs) if line.aim]


def call(**given: object) -> Call:
    base = Call(1, 0.0, 1.0, "POST", "key", 201, "kit-worker (w0)", "POST /v4/tags/{}/subscribers/{}")
    return replace(base, **given)  # type: ignore[arg-type]


def test_calls_and_wrong_people_have_an_aim_for_each_way_of_writing() -> None:
    assert verdicts(counted()) == [True] * 6
    assert verdicts(counted(replace(DRAIN, calls=1451))) == [False, True, True, True, True, True]
    assert verdicts(counted(bulk=61)) == [True, False, True, True, True, True]
    assert verdicts(counted(lean=26)) == [True, True, False, True, True, True]
    assert verdicts(counted(replace(DRAIN, wrong=1))) == [True, True, True, False, True, True]
    assert verdicts(counted(replace(DRAIN, left=1))) == [True, True, True, False, True, True]


def test_the_aims_of_calls_are_judged_without_rivals_too() -> None:
    few = replace(DRAIN, calls=25)
    runs = {name: [few] for name in (calls.KEY, calls.BULK, calls.BULK_LEAN)}
    judged = calls.lines(runs)
    assert verdicts(judged) == [True] * 6
    assert {name for line in judged for name in line.figures} == {WORKER}


def test_any_wrong_person_and_calls_beyond_what_load_excuses_fail_the_benchmark() -> None:
    excused = [counted(), counted(replace(DRAIN, calls=1595), bulk=66, lean=27)]
    beyond = [
        counted(replace(DRAIN, calls=1596)),
        counted(bulk=67),
        counted(lean=28),
        counted(replace(DRAIN, wrong=1)),
    ]
    assert not any(line.failed for lines in excused for line in lines)
    assert [sum(line.failed for line in lines) for lines in beyond] == [1, 1, 1, 1]


def test_only_the_whole_backlog_under_kits_limit_has_an_aim() -> None:
    assert verdicts(limited.lines([15.0], [3.0], {PLAIN: 130.0})) == [True]
    assert verdicts(limited.lines([15.1], [3.0], {PLAIN: 130.0})) == [False]


@pytest.mark.parametrize(
    ("seconds", "alone", "met"),
    [(0.4, 4000.0, [True, True]), (0.41, 4000.0, [False, True]), (0.4, 4200.0, [True, False])],
)
def test_speed_is_judged_by_plain_and_by_what_the_broker_gives(
    seconds: float, alone: float, met: list[bool]
) -> None:
    runs = {**RIVALS, WORKER: [replace(DRAIN, seconds=seconds)]}
    assert verdicts(speed.lines({1: [alone], 100: [5000.0]}, runs)) == met


def test_with_nothing_to_fold_it_may_not_be_slower_than_plain() -> None:
    assert verdicts(different.lines({**RIVALS, WORKER: [DRAIN]})) == [True]
    assert verdicts(different.lines({**RIVALS, WORKER: [replace(DRAIN, seconds=1.01)]})) == [False]


def test_an_idle_event_may_take_five_milliseconds_more_in_the_middle_and_at_the_end() -> None:
    plain = [[45.0] * 99 + [60.0] * 2]
    at_bound = {PLAIN: plain, STREAM: plain, WORKER: [[50.0] * 99 + [65.0] * 2]}
    assert verdicts(idle.lines(at_bound)) == [True, True]
    assert verdicts(idle.lines({**at_bound, WORKER: [[50.1] * 99 + [65.0] * 2]})) == [False, True]
    assert verdicts(idle.lines({**at_bound, WORKER: [[50.0] * 99 + [65.1] * 2]})) == [True, False]


def test_memory_has_a_bound_and_must_not_grow_with_the_queue() -> None:
    assert verdicts(memory.lines({memory.FEW: 100.0, memory.MANY: 110.0})) == [True, True, True]
    assert verdicts(memory.lines({memory.FEW: 100.0, memory.MANY: 110.1})) == [True, True, False]
    assert verdicts(memory.lines({memory.FEW: 119.0, memory.MANY: 120.0})) == [True, False, True]


def test_each_account_must_use_its_limit_and_workers_must_not_cost_more_together() -> None:
    good = accounts.Run([97.0, 100.0], 2.0, 40)
    assert verdicts(accounts.lines(dict.fromkeys(accounts.WORKERS, good))) == [True] * 5
    lazy = {1: good, 2: replace(good, used=[96.9, 100.0]), 4: good}
    assert verdicts(accounts.lines(lazy)) == [True, False, True, True, True]
    costly = {1: good, 2: good, 4: replace(good, cpu_ms_per_event=2.31)}
    assert verdicts(accounts.lines(costly)) == [True, True, True, True, False]


def test_of_an_accounts_calls_those_count_that_came_before_the_limit_is_renewed_a_second_time() -> None:
    made = [call(arrived=at) for at in (5.0, 6.0, 65.1, 124.0, 124.1)]
    assert accounts.used(made, ["key"]) == [pytest.approx(100 * 4 / 240)]


def test_quiet_accounts_may_take_twice_as_long_beside_a_noisy_one() -> None:
    alone, twice, more = noisy.Run([50.0]), noisy.Run([100.0], 9), noisy.Run([100.1], 9)
    assert verdicts(noisy.lines(alone, twice, twice)) == [True, True]
    assert verdicts(noisy.lines(alone, more, twice)) == [False, True]
    assert verdicts(noisy.lines(alone, twice, more)) == [True, False]


def test_a_quiet_event_ends_with_the_second_write_of_its_account() -> None:
    assert noisy.times_of({"a": [1.0, 2.0]}, {"a": [1.01, 1.05, 2.01, 2.5]}) == [
        pytest.approx(50.0),
        pytest.approx(500.0),
    ]


def test_the_slowest_takeover_decides() -> None:
    assert verdicts(kill.lines([0.5, 3.0])) == [True]
    assert verdicts(kill.lines([0.5, 3.01])) == [False]


def test_a_takeover_is_over_when_another_worker_has_tagged_somebody() -> None:
    killed = "kit-worker (w0)"
    made = [
        call(arrived=2.0, ended=2.1, caller=killed),  # it was on its way
        call(arrived=2.5, ended=2.6, caller="kit-worker (w1)", endpoint="POST /v4/subscribers"),
        call(arrived=2.7, ended=2.8, caller="kit-worker (w1)"),
    ]
    assert kill.first_applied(made[:2], 1.0, not_by=killed) is None
    assert kill.first_applied(made, 1.0, not_by=killed) == 2.8


def test_what_cannot_be_seen_of_the_broker_is_left_out() -> None:
    starts = declared.Start(8.0, 6.0), declared.Start(11.0, 4.0)
    seen = declared.lines(declared.Cost(*starts, 200.0, 5.0, 300.0, 4.0))
    unseen = declared.lines(declared.Cost(*starts, 150.0, 3.0, None, None))
    assert (len(seen), len(unseen)) == (8, 6)
    assert (verdicts(seen), verdicts(unseen)) == ([True, False, False, False], [True, False, True, True])


def test_the_slowest_views_are_told_and_each_is_to_answer_in_time() -> None:
    taken = {"/": [99.0], "/journal": [9.0], "/_day?x=1": [100.0], "/accounts/sunny": [50.0]}

    told = views.lines({"SQLite": taken})

    assert [line.what.rpartition(": ")[2] for line in told] == ["/_day, ms", "/, ms", "/accounts/sunny, ms"]
    assert verdicts(told) == [False, True, True]
