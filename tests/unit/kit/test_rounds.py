"""Changes of many people in one round: each ends as if it had been written by itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import structlog

from tests.unit.consumer.test_dispatch import Kit, World, unavailable
from tests.unit.examples import change
from tests.unit.virtual_time import run, settle
from worker.consumer.apply import ALONE_AFTER
from worker.consumer.dispatch import Dispatcher
from worker.errors import CredentialRefused, KitRejected, RateLimited, Reason
from worker.kit.writer import BulkResult
from worker.subscribers.change import Change


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@dataclass
class Together:
    """Writes many changes at once, into the same Kit as the single writer.

    Attributes:
        rounds: Who was written in each.
        alone: Who is always left to single calls.
        errors: What each round ends with in turn, and who is to blame; then all is well.
        crash: Whether there is a bug.
        careful: Of each round, whether its calls were to be made one at a time.
    """

    kit: Kit
    rounds: list[list[str]] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)
    errors: list[tuple[RateLimited | CredentialRefused | Exception, set[str]]] = field(default_factory=list)
    crash: bool = False
    seconds: float = 0.1
    careful: list[bool] = field(default_factory=list)

    async def apply_together(
        self, changes: Sequence[tuple[str, Change]], /, *, one_at_a_time: bool
    ) -> BulkResult[str]:
        self.rounds.append([email for email, _ in changes])
        self.careful.append(one_at_a_time)
        await asyncio.sleep(self.seconds)
        if self.crash:
            raise ZeroDivisionError
        if self.errors:
            error, failed = self.errors.pop(0)
            return BulkResult(error=error, failed=failed)  # type: ignore[arg-type]  # those that a test gives
        end: BulkResult[str] = BulkResult()
        for email, asked in changes:
            if email in self.alone:
                end.alone.append(email)
            else:
                await self.kit.apply(email, asked)
                end.done.append(email)
        self.kit.starts.clear()  # only single calls are looked at
        return end


class Many(World):
    """A world whose account writes together."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.together = Together(self.kit)
        self.gathered = 0
        self.dispatcher = Dispatcher(
            self.backlog,
            self.kit,
            self.holds,
            ready=self.ready,
            settle=self.settle,
            may_start=lambda: self.may_start,
            worked_at=lambda _: self.kit.worked_at,
            concurrency=2,
            clock=lambda: asyncio.get_running_loop().time(),
            random=lambda: 0.5,
            together=self.together,
            gathered=self.gather,
        )

    async def gather(self) -> None:
        """Count how often it was waited for more."""
        self.gathered += 1

    @property
    def single(self) -> list[str]:
        """Who was written by single calls, since the last round that went well."""
        return [email for _, email in self.kit.starts]


def test_all_that_waits_makes_up_a_round_and_what_comes_meanwhile_the_next() -> None:
    async def main() -> None:
        world = Many()
        for number in range(5):
            world.arrives(f"p{number}", add=("VIP",))
        async with world.running():
            await settle()
            world.arrives("p0", remove=("VIP",))
            world.arrives("late", add=("VIP",))
            await world.until_settled()
        assert world.together.rounds == [[f"p{number}" for number in range(5)], ["p0", "late"]]
        assert world.kit.tags["p0"] == set()
        assert set(world.settled.values()) == {None}
        assert world.dispatcher.successes == 7
        assert world.gathered == 2

    run(main())


def test_one_change_is_written_by_itself() -> None:
    async def main() -> None:
        world = Many()
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await world.until_settled()
        assert (world.together.rounds, world.single) == ([], ["ada"])

    run(main())


def test_whoever_is_left_is_written_by_itself_and_holds_up_nobody() -> None:
    """Given one person who cannot be written with others, and whom Kit refuses, only that one is refused."""

    async def main() -> None:
        world = Many()
        world.together.alone = {"bad"}
        world.kit.broken["bad"] = lambda: KitRejected("no")
        numbers = {email: world.arrives(email, add=("VIP",)) for email in ("ada", "bad", "cleo")}
        async with world.running():
            await world.until_settled()
        assert world.settled == {
            numbers["ada"]: None,
            numbers["bad"]: Reason.KIT_REJECTED,
            numbers["cleo"]: None,
        }

    run(main())


def test_while_somebody_is_written_alone_the_next_round_goes_on() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        class SlowKit(Kit):
            async def apply(self, email: str, asked: Change, /) -> None:
                if email == "slow":
                    await gate.wait()
                await super().apply(email, asked)

        world = Many(SlowKit())
        world.together.alone = {"slow"}
        slow = world.arrives("slow", add=("VIP",))
        world.arrives("ada", add=("VIP",))
        async with world.running():
            await asyncio.sleep(1)
            numbers = [world.arrives(email, add=("VIP",)) for email in ("ben", "cleo")]
            await asyncio.sleep(1)
            assert all(number in world.settled for number in numbers)
            assert slow not in world.settled
            gate.set()
            await world.until_settled()

    run(main())


@pytest.mark.parametrize("error", [RateLimited("slow down"), unavailable("POST /v4/bulk/subscribers")])
def test_a_round_that_fails_is_a_hold_after_which_all_are_tried_again(error: Exception) -> None:
    async def main() -> None:
        world = Many()
        world.together.errors = [(error, {"ada"})]
        for email in ("ada", "ben", "cleo"):
            world.arrives(email, add=("VIP",))
        async with world.running():
            await asyncio.sleep(0.2)
            assert world.holds.hold
            assert len(world.backlog) == 3
            await world.until_settled()
        assert not world.holds.hold
        assert set(world.settled.values()) == {None}
        assert world.single == []
        assert world.together.careful == [False, True]

    run(main())


def test_whoever_fails_again_and_again_in_company_is_tried_alone() -> None:
    """Given one person whom no bulk call survives, the others are written, and only that one fails."""

    async def main() -> None:
        world = Many()
        everybody = [f"p{number}" for number in range(6)]
        world.kit.worked_at = 0.0
        failing = unavailable("POST /v4/bulk/subscribers")
        world.together.errors = [(failing, set(everybody))] * 50
        world.kit.broken["p3"] = unavailable
        numbers = {email: world.arrives(email, add=("VIP",)) for email in everybody}
        async with world.running():
            await asyncio.sleep(60)
            assert world.settled.keys() == set(numbers.values()) - {numbers["p3"]}
            assert len(world.together.rounds) <= ALONE_AFTER + 1
            for _ in range(30):  # Kit goes on serving others
                world.arrives("other", add=("VIP",))
                await asyncio.sleep(30)
            assert world.settled[numbers["p3"]] is Reason.KIT_UNAVAILABLE
        assert world.settled.keys() == set(range(1, world.count + 1))

    run(main())


def test_a_credential_that_is_refused_ends_the_session_with_all_put_back() -> None:
    async def main() -> None:
        world = Many()
        world.together.errors = [(CredentialRefused("no"), set())]
        for email in ("ada", "ben"):
            world.arrives(email, add=("VIP",))
        async with world.running():
            await asyncio.sleep(30)
        assert world.holds.refused.is_set()
        assert len(world.backlog) == 2
        assert world.settled == {}

    run(main())


def test_a_bug_with_many_refuses_nobody() -> None:
    """Given a crash while many were written, each is written by itself, where it hits only one."""

    async def main() -> None:
        world = Many()
        world.together.crash = True

        def bug() -> Exception:
            return ZeroDivisionError()

        world.kit.broken["bad"] = bug
        numbers = {email: world.arrives(email, add=("VIP",)) for email in ("ada", "bad", "cleo")}
        async with world.running():
            await world.until_settled()
        assert world.settled[numbers["bad"]] is Reason.HANDLER_ERROR
        assert [world.settled[numbers[email]] for email in ("ada", "cleo")] == [None, None]

    run(main())


def test_a_session_that_ends_puts_a_round_back() -> None:
    async def main() -> None:
        world = Many()
        world.together.seconds = 100.0
        for email in ("ada", "ben"):
            world.arrives(email, add=("VIP",))
        async with world.running():
            await settle()
            assert len(world.backlog) == 0
        assert len(world.backlog) == 2
        assert world.backlog.taken == 0
        assert world.dispatcher.idle

    run(main())


def test_a_mapping_that_changes_during_a_round_counts_for_what_is_put_back() -> None:
    async def main() -> None:
        world = Many()
        world.together.errors = [(RateLimited("slow down"), set())]
        for email in ("ada", "ben"):
            world.arrives(email, add=("Old",))
        async with world.running():
            await settle()
            world.backlog.refold(
                lambda item: type(item)(item.event, change(item.delivery, add=("New",)), item.delivery)
            )
            await world.until_settled()
        assert world.kit.tags == {"ada": {"New"}, "ben": {"New"}}

    run(main())
