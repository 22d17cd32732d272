"""Whether this machine's clock can be right, by what other clocks have said."""

from __future__ import annotations

import pytest

from tests.clocks import StandingClock
from worker.clock import DRIFT, MAX_SKEW


def told(*offs: float, within: float = 1.0) -> StandingClock:
    """Return a clock that has heard others, which are ahead of it by so many seconds."""
    clock = StandingClock()
    for number, off in enumerate(offs):
        clock.heard(f"witness {number}", clock.time() + off, within=within)
    return clock


@pytest.mark.parametrize(
    "offs", [(), (0.0,), (MAX_SKEW,), (-MAX_SKEW,), (95.0,), (3600.0, 0.0), (0.0, -3600.0)]
)
def test_it_may_be_right_while_none_is_known_or_one_agrees(offs: tuple[float, ...]) -> None:
    assert told(*offs).problem == ""


@pytest.mark.parametrize(
    ("off", "said"),
    [(600.0, "10 min behind that of witness 0"), (-600.0, "10 min ahead of that of witness 0")],
)
def test_it_is_wrong_where_it_is_far_off(off: float, said: str) -> None:
    problem = told(off).problem
    assert said in problem
    assert "set it" in problem


def test_it_is_wrong_where_all_others_say_so() -> None:
    problem = told(600.0, 660.0).problem
    assert "10 min behind that of witness 0, 11 min behind that of witness 1" in problem


def test_an_answer_that_took_long_proves_less() -> None:
    assert told(MAX_SKEW + 10, within=15.0).problem == ""
    assert told(MAX_SKEW + 20, within=15.0).problem


def test_what_was_heard_tells_the_time_from_then_on() -> None:
    """Given a clock that is set right, or wrong, long after anybody was heard, that is known at once."""

    class Machine(StandingClock):
        set_by = 0.0

        def time(self) -> float:
            return super().time() + self.set_by

    clock = Machine()
    clock.heard("Kit", clock.time(), within=1.0)
    clock.wait(3600)
    assert clock.problem == ""
    clock.set_by = -600.0
    assert "10 min behind" in clock.problem
    clock.set_by = 0.0
    assert clock.problem == ""


def test_after_long_silence_clocks_that_run_on_their_own_may_have_parted() -> None:
    clock = StandingClock()
    clock.heard("Kit", clock.time() + MAX_SKEW + 60, within=1.0)
    assert clock.problem
    clock.wait(70 / DRIFT)
    assert clock.problem == ""


def test_who_says_that_it_may_be_right_is_told() -> None:
    clock = told(0.0, 3600.0, MAX_SKEW)
    assert clock.agreeing == ["witness 0", "witness 2"]
    assert told().agreeing == []


def test_what_time_it_is_elsewhere_goes_on_from_what_was_heard() -> None:
    clock = StandingClock()
    assert clock.time_of("Kit") is None
    clock.heard("Kit", 1000.0, within=2.0)
    clock.wait(10_000)
    at_kit = clock.time_of("Kit")
    assert at_kit is not None
    assert 11_000 - 1.5 < at_kit <= 11_000
