"""What a session leaves to the next one; sessions on a real broker are in `integration/session/`."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.unit.consumer.world import adds
from tests.unit.examples import event
from tests.unit.virtual_time import VirtualClock, now, run
from worker.consumer.end import End
from worker.consumer.holds import SEEN_FOR
from worker.consumer.prefetch import starting_with
from worker.consumer.report import HELD_TOLD_EVERY
from worker.consumer.room import Room
from worker.consumer.session import AT_REST, Session
from worker.consumer.stages import Stages
from worker.events.delivery import Delivery
from worker.ledger.takeover import Tenure
from worker.metrics import Metrics
from worker.retry import PATIENCE
from worker.subscribers.item import Item, Kind, Outcome


class FakeChannel:
    """A channel on which nothing comes."""

    is_closed = False

    async def close(self) -> None:
        """Close."""


class Draining(Session):
    """A session without a broker, whose one change goes well while it winds down."""

    async def run_until(self, why: End, seconds: float = 1.0) -> None:
        """Run for so long, and end for a reason."""
        self.consumer._channel = FakeChannel()  # type: ignore[assignment]
        self.consumer.subscribe = self._nothing  # type: ignore[method-assign]
        running = asyncio.create_task(self.run(lambda: 5.0))
        await asyncio.sleep(seconds)
        self.end(why)
        assert await running is why

    def _with_stages(self) -> Stages:
        stages = super()._with_stages()
        stages.dispatch.drain = self._drain  # type: ignore[method-assign]
        return stages

    async def _nothing(self) -> None:
        pass

    async def _drain(self, seconds: float) -> bool:
        await asyncio.sleep(seconds / 10)
        self._with_stages().apply.succeeded.set()
        return True


def draining(clock: VirtualClock) -> Draining:
    """A session that is consumed with care."""
    shared: Any = SimpleNamespace(
        clock=clock, worker_id="here", known_ttl=3600.0, patience=PATIENCE, metrics=Metrics(), room=Room(),
        ledger=SimpleNamespace(clock=clock), topology=None,
        broker=SimpleNamespace(consuming=SimpleNamespace(is_heard=True)),
    )  # fmt: skip
    limiter = SimpleNamespace(limit=118)
    catalog: Any = SimpleNamespace(client=SimpleNamespace(concurrency=4, limiter=limiter), options=None)
    return Draining(adds("VIP"), shared, catalog, starting_with(500).after_give_back(), {})


@pytest.mark.parametrize(("seconds", "lines"), [(1.0, [1, 2]), (HELD_TOLD_EVERY + 2.0, [1, 2])])
def test_what_was_held_is_told_though_nothing_comes_any_more(seconds: float, lines: list[int]) -> None:
    """Given a flood that is over, its last minute is told when it is over, or when the session ends."""

    async def main() -> list[tuple[float, int]]:
        session, told = draining(clock := VirtualClock()), list[tuple[float, Any]]()

        def note(_: object, __: str, line: Any) -> Any:  # noqa: ANN401  # as structlog has it
            told.append((clock.monotonic(), line))
            return line

        item = Item(Delivery(b"", ""), event(0))
        with capture_logs(processors=[note]):
            stages = session._with_stages()
            session.consumer.came.set()
            for _ in range(3):
                stages.report.ended(Outcome(item, Kind.APPLIED, held=("VIP",)))
            began = clock.monotonic()
            await session.run_until(End.PAUSED, seconds)
        return [(at - began, line["count"]) for at, line in told if line["event"] == "taggings_held"]

    found = run(main())
    assert [count for _, count in found] == lines
    assert found[1][0] == pytest.approx(min(seconds, HELD_TOLD_EVERY), abs=1.0)


def test_a_change_that_is_applied_while_the_session_winds_down_shows_that_writing_works() -> None:
    """Given an account that is consumed with care, the next session takes as many messages as ever."""

    async def main() -> None:
        session = draining(VirtualClock())
        session.consumer.came.set()
        await session.run_until(End.PAUSED)
        assert session.consumer.prefetch.count == 500

    run(main())


def test_a_session_at_rest_seldom_looks_and_looks_at_once_when_something_comes() -> None:
    """Given nothing in hand, a look every ten seconds; with something in hand, two a second as before."""

    async def main() -> list[float]:
        session, looks = draining(clock := VirtualClock()), list[float]()
        began = clock.monotonic()

        def look(*, at_once: bool = False) -> None:
            if not at_once:
                looks.append(clock.monotonic() - began)

        session._with_stages().report.tell_held = look  # type: ignore[method-assign]
        session.consumer.came.set()  # as by an event that has ended since
        running = asyncio.create_task(session.run_until(End.PAUSED, 46.8))
        await asyncio.sleep(42)
        session.consumer.unsettled[1] = Delivery(b"", "", since=clock.monotonic())
        session.consumer.came.set()
        await running
        return looks

    found = run(main())
    assert found[:4] == pytest.approx([10, 20, 30, 40])
    assert found[4:] == pytest.approx([42 + each / 2 for each in range(10)], abs=0.01)


def test_a_session_that_came_to_rest_meanwhile_has_heard_of_its_first_success() -> None:
    """Given a change that was applied and settled before anybody looked, more may be in hand at once."""

    async def main() -> None:
        session = draining(VirtualClock())
        running = asyncio.create_task(session.run_until(End.PAUSED, 40.0))
        await asyncio.sleep(33)
        session.consumer.came.set()
        session._with_stages().apply.succeeded.set()
        await asyncio.sleep(0.1)
        assert session.consumer.ended.result() is End.RESIZE
        running.cancel()

    run(main())


@pytest.mark.parametrize("why", [End.STOPPED, End.CHANNEL_LOST, End.CLOCK_WRONG])
def test_a_session_to_which_nothing_has_come_has_no_stages_and_ends_all_the_same(why: End) -> None:
    """Given a thousand such accounts, each takes a task; whatever ends the session is heard."""

    async def main() -> None:
        session = draining(clock := VirtualClock())
        before = len(asyncio.all_tasks())
        running = asyncio.create_task(session.run_until(why, 100.0))
        await asyncio.sleep(50)
        assert len(asyncio.all_tasks()) == before + 2, "the test's own, and the session"
        if why is End.CLOCK_WRONG:
            clock.heard("Kit", clock.time() + 3600.0, within=0.0)
            await asyncio.sleep(AT_REST)
            assert session.consumer.ended.result() is why
        await running

    run(main())


@pytest.mark.parametrize(("epoch", "must_ask"), [(0, True), (6, True), (7, False)])
def test_a_look_at_whose_the_accounts_are_counts_for_the_tenure_that_it_is_of(
    epoch: int, *, must_ask: bool
) -> None:
    """Given what was asked before the account was taken, or a ledger that was emptied, nothing is known."""

    async def main() -> None:
        session = draining(VirtualClock())
        stages, ours = session._with_stages(), Tenure("main", 7, 0)
        stages.ledger._tenure = ours
        session.holds.tenure_began(now(), in_doubt=False)
        await asyncio.sleep(SEEN_FOR)
        session.check_epoch(epoch, asked=now())
        assert session.holds.must_ask is must_ask
        assert not session.consumer.is_fenced

    run(main())


def test_whatever_is_asked_between_a_first_message_and_the_stages_has_an_answer() -> None:
    """Given a message that has come in this very moment, a look at the session is no reason to fail."""

    async def main() -> None:
        session = draining(VirtualClock())
        await session.consumer.receive(Delivery(b"{}", "", tag=1))
        session.check_epoch(7, asked=0.0)
        session.reload(adds("VIP"))
        assert (session.pending, session.hold_cause, session.succeeded) == (0, "", False)

    run(main())
