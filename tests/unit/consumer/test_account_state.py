"""Waits of an account without a session: what ends them."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from tests.unit.consumer.fake_kit import unavailable
from tests.unit.virtual_time import VirtualClock, now, run
from worker.consumer.account_state import CLOCK_LOOK, AccountState, Status
from worker.errors import BrokerUnavailable, ClockWrong, KitWorkerError, RateLimited


def test_what_is_mended_while_kit_is_being_asked_ends_the_wait_that_follows() -> None:
    """Given a reload during a question to Kit that fails, the next question follows at once."""

    async def main() -> None:
        state, asked = AccountState("sunny", VirtualClock()), list[float]()

        async def ask() -> None:
            asked.append(now())
            await asyncio.sleep(10)
            if len(asked) < 4:
                raise unavailable()

        waiting = asyncio.create_task(state.until_answered(ask, 60.0))
        await asyncio.sleep(5)
        state.look_again()
        await waiting

        assert asked[:2] == [0.0, 10.0]
        assert asked[2] > 20.0  # and it ends one wait, not all

    run(main())


def test_a_stop_ends_a_wait() -> None:
    async def main() -> None:
        state = AccountState("sunny", VirtualClock())
        waiting = asyncio.create_task(state.wait(60.0))
        await asyncio.sleep(1)
        state.stopping.set()
        state.look_again()
        await waiting
        assert now() == 1.0
        await state.wait(60.0)
        assert now() == 1.0

    run(main())


def test_sessions_that_do_not_last_follow_each_other_more_and_more_slowly() -> None:
    """Given a channel that RabbitMQ closes at once, again and again, and then one that lasts for a while."""

    async def main() -> list[float]:
        state, waits = AccountState("sunny", VirtualClock()), list[float]()
        for lived in (0.0, 0.1, 0.1, 60.0):
            before = now()
            await state.wait_after_loss(lived)
            waits.append(now() - before)
        before = now()
        await state.wait_after_loss(60.0, at_least=1.0)
        return [*waits, now() - before]

    *short, lasting, at_least = run(main())
    assert short == [1.0, 2.0, 4.0]
    assert lasting <= 0.5
    assert at_least == 1.0


def test_a_clock_that_is_wrong_is_said_and_looked_at_until_it_is_right() -> None:
    """Given a clock ten minutes behind, it is said once, and each look comes as soon as the one before."""

    async def main() -> None:
        clock = VirtualClock()
        state = AccountState("sunny", clock)
        state.check_clock()
        clock.heard("Kit", clock.time() + 600, within=1.0)
        for failures in range(1, 21):
            with pytest.raises(ClockWrong, match="10 min behind that of Kit") as wrong:
                state.check_clock()
            await state.wait_after(wrong.value, failures)
        assert now() == 20 * CLOCK_LOOK
        assert state.status == Status("held", str(wrong.value))
        clock.began += 600
        state.check_clock()

    with capture_logs() as logs:
        run(main())
    assert [(line["event"], line["log_level"]) for line in logs] == [("clock_wrong", "error")]


def test_what_else_fails_is_tried_again_more_seldom() -> None:
    async def main() -> None:
        state = AccountState("sunny", VirtualClock())
        for failures in range(1, 8):
            await state.wait_after(BrokerUnavailable("gone"), failures)
        assert now() == 1 + 2 + 4 + 8 + 16 + 32 + 60

    run(main())


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(RateLimited("429"), 5 + 10 + 20 + 40 + 60), (unavailable(), 1 + 2 + 4 + 8 + 16)],
)
def test_a_question_to_kit_without_a_session_waits_as_a_call_within_one(
    error: KitWorkerError, seconds: float
) -> None:
    async def main() -> None:
        answers = iter([error] * 5)

        async def ask() -> None:
            for failure in answers:
                raise failure

        await AccountState("sunny", VirtualClock()).until_answered(ask, refused_wait=60.0)
        assert now() == seconds

    run(main())
