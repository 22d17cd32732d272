"""What is due is published within seconds, by whoever looks first; what fails keeps no other waiting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from structlog.testing import capture_logs

from tests.unit.virtual_time import VirtualClock, now, run
from worker.broker.publisher import Outgoing
from worker.consumer.due import COUNT_EVERY, EVERY, DueEffects
from worker.consumer.shared import Shared
from worker.errors import BrokerUnavailable, LedgerUnavailable
from worker.ledger.timers import Claimed, Waiting
from worker.metrics import Metrics

IN_TIME = 5.0


def message(name: str) -> bytes:
    return msgspec.msgpack.encode([name.encode(), {"headers": {}}])


@dataclass
class FakeTimers:
    """A ledger with timers, by account: each with its time, and its message."""

    timers: dict[str, dict[str, float]] = field(default_factory=dict)
    claims: list[tuple[str, bool]] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)
    published: dict[str, float] = field(default_factory=dict)
    released: list[str] = field(default_factory=list)
    down: bool = False
    unreadable: set[str] = field(default_factory=set)

    def check(self) -> None:
        if self.down:
            raise LedgerUnavailable("the ledger is away")

    def due(self, account: str) -> list[str]:
        taken = self.claimed | self.published.keys()
        return [
            name for name, at in self.timers.get(account, {}).items() if at <= now() and name not in taken
        ]

    async def ran_out(self, names: Collection[str]) -> set[str]:
        self.check()
        return {name for name in self.timers if self.due(name) and name in names}

    async def claim(self, account: str, *, lost: bool) -> list[Claimed]:
        self.check()
        self.claims.append((account, lost))
        names = self.due(account)
        self.claimed |= set(names)
        return [Claimed(each, b"?" if each in self.unreadable else message(each), 0) for each in names]

    async def confirmed(self, _account: str, claimed: Sequence[Claimed]) -> None:
        self.check()
        self.published |= {each.id: now() for each in claimed}

    async def release(self, _account: str, claimed: Sequence[Claimed]) -> None:
        self.check()
        self.released += [each.id for each in claimed]
        self.claimed -= {each.id for each in claimed}

    async def waiting(self) -> tuple[float, dict[str, Waiting]]:
        self.check()
        return now(), {
            name: Waiting(
                len(timers),
                min((at for each, at in timers.items() if each not in self.published), default=None),
            )
            for name, timers in self.timers.items()
        }


@dataclass
class World:
    """One worker that looks for what is due in two accounts."""

    accounts: set[str] = field(default_factory=lambda: {"sunny", "rainy"})
    depths: dict[str, int | None] = field(default_factory=lambda: {"kit.sunny": 0, "kit.rainy": 0})
    sent: list[Outgoing] = field(default_factory=list)
    refused: set[bytes] = field(default_factory=set)
    hangs: set[bytes] = field(default_factory=set)
    broker_down: bool = False

    def __post_init__(self) -> None:
        self.timers, self.metrics = FakeTimers(), Metrics()
        shared = SimpleNamespace(
            broker=SimpleNamespace(publisher=self), topology=self, ledger=None, metrics=self.metrics,
            clock=VirtualClock(),
        )  # fmt: skip
        self.due = DueEffects(cast("Shared", shared), lambda: self.accounts)
        self.due._timers = cast("Any", self.timers)

    async def depth(self, queue: str) -> int | None:
        if self.broker_down:
            raise BrokerUnavailable("RabbitMQ is away")
        return self.depths[queue]

    async def publish(self, message: Outgoing, *, timeout: float) -> None:  # noqa: ASYNC109  # as the real one
        if message.body in self.hangs:
            await asyncio.sleep(timeout)
        if self.broker_down or message.body in self.refused | self.hangs:
            raise BrokerUnavailable("it was not confirmed")
        self.sent.append(message)

    @property
    def bodies(self) -> list[str]:
        return [each.body.decode() for each in self.sent]

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.due.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def metric(self, name: str, account: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, {"account": account})


def test_what_is_due_is_published_at_its_time_and_crossed_off() -> None:
    """Given timers, each is published into its account's queue soon after its time, once, and not before."""

    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 7.5, "two": 60.0}, "rainy": {"three": 7.5}}
        async with world.looking():
            await asyncio.sleep(7.4)
            assert world.sent == []
            await asyncio.sleep(0.1 + EVERY)
            assert sorted(world.bodies) == ["one", "three"]
            await asyncio.sleep(100.0)
        assert {each.body: each.routing_key for each in world.sent} == {
            b"one": "kit.sunny", b"two": "kit.sunny", b"three": "kit.rainy",
        }  # fmt: skip
        assert len(world.sent) == 3
        assert all(at <= 7.5 + IN_TIME for at in (world.timers.published[each] for each in ("one", "three")))

    run(main())


def test_while_nothing_is_due_nothing_is_claimed() -> None:
    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 100.0}, "gone": {"other": 1.0}}
        async with world.looking():
            await asyncio.sleep(99.0)
        assert world.timers.claims == []

    run(main())


@pytest.mark.parametrize("which", ["ledger", "broker"])
def test_what_is_away_over_the_moment_is_waited_for(which: str) -> None:
    """Given a ledger or a broker that is away when it is time, that is published soon after it is back."""

    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 3.0}}
        world.timers.down, world.broker_down = which == "ledger", which == "broker"
        async with world.looking():
            await asyncio.sleep(600.0)
            assert world.sent == []
            world.timers.down = world.broker_down = False
            await asyncio.sleep(IN_TIME)
        assert world.bodies == ["one"]

    run(main())


def test_a_queue_that_is_gone_keeps_its_timers_and_holds_up_no_other_account() -> None:
    """Given an account without its queue, that is said once; the other's effects come, and later its own."""

    async def main() -> None:
        world = World()
        world.depths["kit.sunny"] = None
        world.timers.timers = {"sunny": {"one": 1.0}, "rainy": {"two": 30.0}}
        with capture_logs() as logs:
            async with world.looking():
                await asyncio.sleep(30.0 + IN_TIME)
                assert world.bodies == ["two"]
                world.depths["kit.sunny"] = 0
                await asyncio.sleep(IN_TIME)
                assert world.bodies == ["two", "one"]
        assert [(line["event"], line["account"]) for line in logs] == [
            ("due_not_published", "sunny"), ("due_published_again", "sunny"),
        ]  # fmt: skip
        assert logs[0]["problem"] == "there is no queue kit.sunny"

    run(main())


def test_one_that_is_refused_is_kept_and_the_others_are_published() -> None:
    """Given one of three that RabbitMQ does not confirm, it is tried again, by whichever worker."""

    async def main() -> None:
        world = World(refused={b"two"})
        world.timers.timers = {"sunny": {"one": 1.0, "two": 1.0, "three": 1.0}}
        async with world.looking():
            await asyncio.sleep(20.0)
            assert sorted(world.bodies) == ["one", "three"]
            assert set(world.timers.released) == {"two"}
            world.refused.clear()
            await asyncio.sleep(IN_TIME)
        assert sorted(world.bodies) == ["one", "three", "two"]

    run(main())


def test_one_that_hangs_holds_up_no_other_account() -> None:
    async def main() -> None:
        world = World(hangs={b"one"})
        world.timers.timers = {"sunny": {"one": 1.0}, "rainy": {"two": 5.0}}
        async with world.looking():
            await asyncio.sleep(5.0 + IN_TIME)
        assert world.bodies == ["two"]

    run(main())


def test_a_timer_that_cannot_be_read_is_told_and_holds_up_no_other() -> None:
    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"bad": 1.0, "good": 1.0, "later": 50.0}}
        world.timers.unreadable = {"bad"}
        with capture_logs() as logs:
            async with world.looking():
                await asyncio.sleep(50.0 + IN_TIME)
        assert world.bodies == ["good", "later"]
        assert [line["problem"] for line in logs] == ["the ledger holds a timer of sunny that cannot be read"]

    run(main())


@pytest.mark.parametrize(("ready", "lost"), [(0, True), (3, False)])
def test_what_was_published_is_lost_only_where_the_queue_is_empty(ready: int, *, lost: bool) -> None:
    async def main() -> None:
        world = World()
        world.depths["kit.sunny"] = ready
        world.timers.timers = {"sunny": {"one": 1.0}}
        async with world.looking():
            await asyncio.sleep(IN_TIME)
        assert world.timers.claims == [("sunny", lost)]

    run(main())


def test_an_account_that_was_removed_meanwhile_is_let_go() -> None:
    """Given an account whose effects could not be published, nobody tries any more once its file is gone."""

    async def main() -> None:
        world = World()
        world.depths["kit.sunny"] = None
        world.timers.timers = {"sunny": {"one": 1.0}}
        async with world.looking():
            await asyncio.sleep(10.0)
            world.accounts.discard("sunny")
            await asyncio.sleep(IN_TIME)
            world.depths["kit.sunny"] = 0
            await asyncio.sleep(60.0)
        assert world.sent == []

    run(main())


def test_timers_are_measured() -> None:
    """Given timers, there is one number an account, also where it is 0; and how late the first of them is."""

    async def main() -> None:
        world = World()
        world.timers.timers = {"sunny": {"one": 1.0, "two": 1000.0}}
        world.depths["kit.sunny"] = None
        async with world.looking():
            await asyncio.sleep(4 * COUNT_EVERY + 1)
            assert world.metric("kit_worker_due_effects", "sunny") == 2
            assert world.metric("kit_worker_due_effects", "rainy") == 0
            assert world.metric("kit_worker_due_late_seconds", "sunny") == pytest.approx(59.0)
            assert world.metric("kit_worker_due_late_seconds", "rainy") == 0

            world.timers.down = True
            await asyncio.sleep(COUNT_EVERY)
            assert world.metric("kit_worker_due_effects", "sunny") == 2
            world.timers.down = False
            world.depths["kit.sunny"] = 0
            world.accounts.discard("rainy")
            await asyncio.sleep(2 * COUNT_EVERY)
            assert world.metric("kit_worker_due_late_seconds", "sunny") == 0
            assert world.metric("kit_worker_due_effects", "rainy") is None

    run(main())


def test_a_long_plan_is_not_late_while_it_goes_on() -> None:
    """Given many of one moment, of which some are published now and then, only a rest of a minute is late."""

    async def main() -> None:
        world = World()
        names = [f"d-{number}" for number in range(60)]
        world.timers.timers = {"sunny": dict.fromkeys(names, 1.0)}
        world.timers.claimed = set(names)
        async with world.looking():
            for name in names[:50]:
                await asyncio.sleep(5.0)
                world.timers.claimed.discard(name)
            assert world.metric("kit_worker_due_late_seconds", "sunny") < 2 * COUNT_EVERY  # type: ignore[operator]
            await asyncio.sleep(100.0)
            assert world.metric("kit_worker_due_late_seconds", "sunny") > 60  # type: ignore[operator]

    run(main())
