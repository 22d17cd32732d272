"""A ledger with timers, and one worker that looks for what is due in two accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from tests.unit.virtual_time import VirtualClock, now
from worker.broker.publisher import Outgoing
from worker.consumer.due import DueEffects
from worker.consumer.shared import Shared
from worker.errors import BrokerUnavailable, LedgerUnavailable
from worker.ledger.timers import Claimed, Waiting
from worker.metrics import Metrics


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
