"""What a session leaves to the next one; sessions on a real broker are in `integration/test_session.py`."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from tests.unit.consumer.world import adds
from tests.unit.virtual_time import VirtualClock, run
from worker.consumer.end import End
from worker.consumer.prefetch import starting_with
from worker.consumer.room import Room
from worker.consumer.session import Session
from worker.retry import PATIENCE


class FakeChannel:
    """A channel on which nothing comes."""

    is_closed = False

    async def close(self) -> None:
        """Close."""


class Draining(Session):
    """A session without a broker, whose one change goes well while it winds down."""

    async def run_until(self, why: End) -> None:
        """Run, and end for a reason."""
        self.consumer._channel = FakeChannel()  # type: ignore[assignment]
        self.consumer.subscribe = self._nothing  # type: ignore[method-assign]
        self.dispatch.drain = self._drain  # type: ignore[method-assign]
        running = asyncio.create_task(self.run(lambda: 5.0))
        await asyncio.sleep(1)
        self.end(why)
        assert await running is why

    async def _nothing(self) -> None:
        pass

    async def _drain(self, seconds: float) -> bool:
        await asyncio.sleep(seconds / 10)
        self.apply.succeeded.set()
        return True


def test_a_change_that_is_applied_while_the_session_winds_down_shows_that_writing_works() -> None:
    """Given an account that is consumed with care, the next session takes as many messages as ever."""

    async def main() -> None:
        clock = VirtualClock()
        shared: Any = SimpleNamespace(
            clock=clock, worker_id="here", known_ttl=3600.0, patience=PATIENCE, metrics=None, room=Room(),
            ledger=SimpleNamespace(clock=clock), topology=None,
            broker=SimpleNamespace(consuming=SimpleNamespace(is_heard=True)),
        )  # fmt: skip
        catalog: Any = SimpleNamespace(client=SimpleNamespace(concurrency=4), options=None)
        session = Draining(adds("VIP"), shared, catalog, starting_with(500).after_give_back(), {})
        await session.run_until(End.PAUSED)
        assert session.consumer.prefetch.count == 500

    run(main())
