"""The verdict of each row: at its bound an aim is met, and beyond it missed."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.bench.bench import Drain
from tests.bench.consumers import FASTER, PLAIN, STREAM, WORKER
from tests.bench.figures import Line, Spread
from tests.bench.processes import ROOT
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
    window,
)
from tests.bench.stand_in import Call
from worker.kit.limiter import MARGIN, WINDOW
from worker.retry import PATIENCE

DRAIN = Drain(WORKER, 1000, 1.0, 900, 0, 0.4, 0.5, {}, 0)
TAGGING = "POST /v4/tags/{}/subscribers/{}"
RIVALS = {PLAIN: [DRAIN], STREAM: [DRAIN]}


def verdicts(lines: Sequence[Line]) -> list[bool]:
    """Return whether each aim was met, those lines left out that have none."""
    return [line.met for line in lines if line.met is not None]


def counted(single: Drain = DRAIN, bulk: int = 45, lean: int = 20) -> list[Line]:
    """Return the lines that have an aim: calls and wrong people, of single calls, of bulk calls, and lean."""
    runs = {
        **RIVALS,
        calls.KEY: [single],
        calls.BULK: [replace(DRAIN, calls=bulk)],
        calls.BULK_LEAN: [replace(DRAIN, calls=lean)],
    }
    return [line for line in calls.lines(runs) if line.aim]


def call(**given: object) -> Call:
    base = Call(1, 0.0, 1.0, "POST", "key", 201, "kit-worker (w0)", TAGGING, "/v4/tags/5/subscribers/7")
    return replace(base, **given)  # type: ignore[arg-type]


def test_calls_and_wrong_people_have_an_aim_for_each_way_of_writing() -> None:
    assert verdicts(counted()) == [True] * 6
    assert verdicts(counted(replace(DRAIN, calls=901))) == [False, True, True, True, True, True]
    assert verdicts(counted(bulk=46)) == [True, False, True, True, True, True]
    assert verdicts(counted(lean=21)) == [True, True, False, True, True, True]
    assert verdicts(counted(replace(DRAIN, wrong=1))) == [True, True, True, False, True, True]
    assert verdicts(counted(replace(DRAIN, left=1))) == [True, True, True, False, True, True]


def test_the_aims_of_calls_are_judged_without_rivals_too() -> None:
    few = replace(DRAIN, calls=20)
    runs = {name: [few] for name in (calls.KEY, calls.BULK, calls.BULK_LEAN)}
    judged = calls.lines(runs)
    assert verdicts(judged) == [True] * 6
    assert {name for line in judged for name in line.figures} == {WORKER}


def test_any_wrong_person_and_calls_beyond_what_load_excuses_fail_the_benchmark() -> None:
    excused = [counted(), counted(replace(DRAIN, calls=990), bulk=49, lean=22)]
    beyond = [
        counted(replace(DRAIN, calls=991)),
        counted(bulk=50),
        counted(lean=23),
        counted(replace(DRAIN, wrong=1)),
    ]
    assert not any(line.failed for lines in excused for line in lines)
    assert [sum(line.failed for line in lines) for lines in beyond] == [1, 1, 1, 1]


def test_only_the_whole_backlog_under_kits_limit_has_an_aim() -> None:
    assert verdicts(limited.lines([15.0], [3.0], {PLAIN: 130.0})) == [True]
    assert verdicts(limited.lines([15.1], [3.0], {PLAIN: 130.0})) == [False]


@pytest.mark.parametrize(
    ("seconds", "alone", "met"),
    [(0.5, 3000.0, [True, True]), (0.51, 3000.0, [False, True]), (0.5, 3400.0, [True, False])],
)
def test_speed_is_judged_by_plain_by_what_the_broker_gives_and_by_processor_time(
    seconds: float, alone: float, met: list[bool]
) -> None:
    broker = {1: [alone], 100: [5000.0]}
    runs = {**RIVALS, WORKER: [replace(DRAIN, seconds=seconds, cpu=0.18)]}
    assert verdicts(speed.lines(broker, runs)) == [*met, True]
    runs = {**RIVALS, WORKER: [replace(DRAIN, seconds=seconds, cpu=0.181)]}
    assert verdicts(speed.lines(broker, runs)) == [*met, False]


def test_with_nothing_to_fold_it_may_be_a_tenth_slower_than_plain() -> None:
    at_bound, slower, costly = (
        replace(DRAIN, seconds=1 / 0.9),
        replace(DRAIN, seconds=1.12),
        replace(DRAIN, cpu=0.401),
    )
    assert verdicts(different.lines({**RIVALS, WORKER: [at_bound]})) == [True, True]
    assert verdicts(different.lines({**RIVALS, WORKER: [slower]})) == [False, True]
    assert verdicts(different.lines({**RIVALS, WORKER: [costly]})) == [True, False]


def test_an_idle_event_may_take_one_millisecond_more_in_the_middle_and_three_at_the_end() -> None:
    plain = [[45.0] * 99 + [60.0] * 2]
    at_bound = {PLAIN: plain, STREAM: plain, WORKER: [[46.0] * 99 + [63.0] * 2]}
    assert verdicts(idle.lines(at_bound)) == [True, True]
    assert verdicts(idle.lines({**at_bound, WORKER: [[46.1] * 99 + [63.0] * 2]})) == [False, True]
    assert verdicts(idle.lines({**at_bound, WORKER: [[46.0] * 99 + [63.1] * 2]})) == [True, False]


def test_memory_has_a_bound_and_must_not_grow_with_the_queue() -> None:
    def judged(few: float, many: float) -> list[bool]:
        return verdicts(memory.lines({memory.FEW: [few, 1.0, 200.0], memory.MANY: [many, 1.0, 200.0]}))

    assert judged(99.0, 100.0) == [True, True, True]
    assert judged(100.0, 100.1) == [True, False, True]
    apart = memory.lines({memory.FEW: [90.0, 90.0, 90.0], memory.MANY: [90.0, 92.1, 92.1]})
    assert verdicts(apart) == [True, True, False]


def test_each_account_must_use_its_limit_and_workers_must_not_cost_more_together() -> None:
    good = accounts.Run([97.0, 100.0], 2.0, 40)
    assert verdicts(accounts.lines(dict.fromkeys(accounts.WORKERS, good))) == [True] * 5
    lazy = {1: good, 2: replace(good, used=[96.9, 100.0]), 4: good}
    assert verdicts(accounts.lines(lazy)) == [True, False, True, True, True]
    costly = {1: good, 2: good, 4: replace(good, cpu_ms_per_event=2.31)}
    assert verdicts(accounts.lines(costly)) == [True, True, True, True, False]


def test_of_an_accounts_calls_those_count_that_came_before_the_limit_is_renewed_a_second_time() -> None:
    made = [call(arrived=at) for at in (5.0, 6.0, 65.1, 123.0, 123.1)]
    assert accounts.used(made, ["key"]) == [pytest.approx(100 * 4 / 240)]


def test_quiet_accounts_may_take_a_third_longer_beside_a_noisy_one() -> None:
    alone, at_bound, more = [noisy.Run([50.0])], [noisy.Run([65.0], 9)], [noisy.Run([65.1], 9)]
    assert verdicts(noisy.lines(alone, at_bound, at_bound)) == [True, True]
    assert verdicts(noisy.lines(alone, more, at_bound)) == [False, True]
    assert verdicts(noisy.lines(alone, at_bound, more)) == [True, False]


def test_what_quiet_accounts_take_is_the_median_of_all_rounds() -> None:
    alone = [noisy.Run([1.0] * 98 + [at, at]) for at in (50.0, 40.0, 90.0)]
    (line, *_) = noisy.lines(alone, alone, alone)
    assert line.figures[WORKER] == Spread(50.0, 40.0, 90.0)


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


def test_many_accounts_have_bounds_of_time_memory_and_rest() -> None:
    good, slow = [declared.Start(9.9, 6.0)], [declared.Start(10.1, 6.0)]
    rest = declared.Rest(149.0, 2.9, 300.0, 4.0)
    assert verdicts(declared.lines(good, good, rest)) == [True] * 4
    assert verdicts(declared.lines(slow, good, rest)) == [False, True, True, True]
    assert verdicts(declared.lines(good, slow, rest)) == [True, False, True, True]
    assert verdicts(declared.lines(good, good, replace(rest, worker_mb=150.0))) == [
        True,
        True,
        False,
        True,
    ]
    assert verdicts(declared.lines(good, good, replace(rest, worker_busy=3.0))) == [
        True,
        True,
        True,
        False,
    ]


def test_what_cannot_be_seen_of_the_broker_is_left_out() -> None:
    starts, seen = [declared.Start(60.0, 6.0)], declared.Rest(200.0, 5.0, 300.0, 4.0)
    unseen = replace(seen, broker_mb=None, broker_busy=None)
    assert len(declared.lines(starts, starts, seen)) == 8
    assert len(declared.lines(starts, starts, unseen)) == 6


# -- the backlog at Kit's limit ----------------------------------------------------------------------------


def test_a_backlog_at_kits_limit_is_judged_by_its_calls_and_by_the_median_of_newcomers() -> None:
    good = window.Run(5000, [1.0, 10.0, 99.0], 0)
    assert verdicts(window.lines(good)) == [True, True, True]
    assert verdicts(window.lines(replace(good, calls=5001))) == [False, True, True]
    assert verdicts(window.lines(replace(good, waits=[1.0, 10.1, 99.0]))) == [True, False, True]


def test_a_missed_aim_fails_nothing_there_and_a_wrong_person_does() -> None:
    bad = window.lines(window.Run(9000, [900.0], 0))
    assert not any(line.failed for line in bad)
    assert [line.failed for line in window.lines(window.Run(5000, [1.0], 1))] == [False, False, False, True]


def test_a_newcomer_is_in_kit_with_the_last_tagging_that_was_answered_well() -> None:
    made = [
        call(ended=1.0),
        call(ended=3.0, path="/v4/tags/6/subscribers/7"),
        call(ended=4.0, status=500),
        call(ended=5.0, path="/v4/tags/5/subscribers/8"),
        call(ended=6.0, method="DELETE"),
    ]
    assert window.tagged_at(made, {"ada@example.com": 7, "ben@example.com": 9}) == {"ada@example.com": 3.0}


def test_a_workers_minute_can_be_shorter() -> None:
    """So the folder `faster` does it, in a process of its own."""
    asked = "from worker.kit.limiter import *; from worker.retry import *; from worker.clock import *"
    said = f"{asked}; print(Limiter(1, clock=Clock())._window._window, PATIENCE.max_age)"
    environment = {"PYTHONPATH": f"{FASTER}{os.pathsep}{ROOT}", "FASTER": "20"}
    done = subprocess.run(  # noqa: S603  # our own Python
        [sys.executable, "-c", said], env=environment, capture_output=True, check=True
    )
    assert done.stdout.decode().split() == [str((WINDOW + MARGIN) / 20), str(PATIENCE.max_age / 20)]


def test_the_slowest_views_are_told_and_each_is_to_answer_in_time() -> None:
    taken = {"/": [99.0], "/journal": [9.0], "/_day?x=1": [100.0], "/accounts/sunny": [50.0]}

    told = views.lines({"SQLite": taken})

    assert [line.what.rpartition(": ")[2] for line in told] == ["/_day, ms", "/, ms", "/accounts/sunny, ms"]
    assert verdicts(told) == [False, True, True]
