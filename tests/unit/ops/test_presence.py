"""A worker's presence in the ledger: what it says when the ledger fails in part."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from structlog.testing import capture_logs

from tests.unit.virtual_time import VirtualClock, beside, now, run
from worker.consumer.holds import SEEN_FOR
from worker.errors import LedgerUnavailable
from worker.ledger.connecting import Connected
from worker.ledger.registry import Registry
from worker.ops.presence import Presence


class ReadsOnly:
    """A ledger on a full disk: it is read well."""

    full = True
    ledger = SimpleNamespace(clock=VirtualClock())

    async def paused(self) -> dict[str, float]:
        return {}

    async def epochs(self, *_: str) -> dict[str, int]:
        return {}

    async def beat(self, _state: object) -> None:
        if self.full:
            raise LedgerUnavailable("the disk is full")


async def no_accounts() -> dict[str, Connected]:
    """No account is connected by OAuth."""
    return {}


class Quiet(Presence):
    """Prunes nothing."""

    async def _prune(self) -> None:
        pass


class AtWork:
    """An account with something in hand, whose ledger was asked for it at a moment."""

    def __init__(self, seen_at: float) -> None:
        self.seen_at = seen_at
        self.heard = list[tuple[int, float]]()

    @property
    def unseen_for(self) -> float:
        return now() - self.seen_at

    def pause(self, *, paused: bool) -> None:
        assert not paused

    def check_connection(self, found: Connected | None) -> None:
        assert found is None

    def check_epoch(self, epoch: int, asked: float) -> None:
        self.heard.append((epoch, asked))
        self.seen_at = asked


class Slow(ReadsOnly):
    """A ledger that takes its time, and notes of whom it was asked."""

    full = False

    def __init__(self) -> None:
        self.asked = list[tuple[str, ...]]()

    async def epochs(self, *names: str) -> dict[str, int]:
        self.asked.append(names)
        await asyncio.sleep(0.1)
        return dict.fromkeys(names or ("busy", "sunny", "gone"), 7)


def test_accounts_at_work_are_confirmed_long_before_their_calls_would_stop() -> None:
    """Given one that reads and writes all the time, only the other is asked for."""

    async def main() -> None:
        registry, busy, sunny = Slow(), AtWork(1e9), AtWork(0.0)
        running: Any = SimpleNamespace(running={"busy": busy, "sunny": sunny})
        nobody = cast("Any", SimpleNamespace(connected=no_accounts, accounts=dict))
        longest = 0.0
        presence = Quiet(cast("Registry", registry), nobody, nobody, running, 1)
        async with beside(presence.run()):
            for _ in range(100):
                await asyncio.sleep(0.1)
                busy.seen_at = now()
                longest = max(longest, sunny.unseen_for)

        assert longest < SEEN_FOR - 0.3
        assert {("sunny",), ()} == set(registry.asked)
        assert {epoch for epoch, _ in sunny.heard} == {7}

    run(main())


def test_a_ledger_that_can_only_be_read_is_said_once_and_its_end_once() -> None:
    async def main() -> None:
        registry = ReadsOnly()
        nobody = cast("Any", SimpleNamespace(connected=no_accounts, accounts=dict, running={}))
        presence = Quiet(cast("Registry", registry), nobody, nobody, nobody, 1)
        async with beside(presence.run()) as working:
            await asyncio.sleep(60)
            registry.full = False
            await asyncio.sleep(60)
            assert not working.done()

    with capture_logs() as logs:
        run(main())
    assert [line["event"] for line in logs] == ["presence_lost", "presence_back"]
