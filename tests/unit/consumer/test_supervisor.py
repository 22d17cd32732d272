"""One session after another: how soon the next one begins, given why the last one ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.virtual_time import VirtualClock, beside, now, run
from worker.accounts.account import Account
from worker.consumer import supervisor as module
from worker.consumer.end import End
from worker.consumer.prefetch import starting_with
from worker.consumer.supervisor import Supervisor
from worker.metrics import Metrics


@asynccontextmanager
async def no_client(*_: object) -> AsyncIterator[Any]:
    """A way to Kit that nobody goes."""
    yield SimpleNamespace()


@pytest.fixture
def began(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When sessions began; each is fenced at once, but for the fifth, which works for a minute before."""
    began: list[float] = []

    class Fenced:
        """A session whose account somebody else takes."""

        def __init__(self, *_: object) -> None:
            began.append(now())
            self.lived = 0.0
            self.subscribed = False
            self.consumer = SimpleNamespace(prefetch=starting_with(1))
            self.succeeded = False

        async def run(self, _grace: object) -> End:
            """Be fenced."""
            self.lived = 60.0 if len(began) == 5 else 0.01
            await asyncio.sleep(self.lived)
            return End.FENCED

    async def is_ready(*_: object) -> bool:
        return True

    monkeypatch.setattr(module, "Session", Fenced)
    monkeypatch.setattr(Supervisor, "_is_ready", is_ready)
    return began


def test_who_loses_the_account_again_and_again_pauses_longer_each_time(began: list[float]) -> None:
    """Given two that take it from each other, it is not taken hundreds of times a second."""
    shared: Any = SimpleNamespace(
        clock=VirtualClock(),
        metrics=Metrics(),
        ledger=None,
        bindings=None,
        kit=SimpleNamespace(client=no_client, calls_a_minute=lambda _: 118),
    )
    account = Account("sunny", credential=SimpleNamespace())  # type: ignore[arg-type]  # nobody uses it
    supervisor = Supervisor(account, shared, 1, grace=lambda: 0.0)

    async def main() -> None:
        async with beside(supervisor.run()):
            await asyncio.sleep(12)
            assert supervisor.status.state == "held"
            assert "has taken the account" in supervisor.status.last_error
            await asyncio.sleep(65)

    run(main())

    pauses = [round(after - before) for before, after in pairwise(began)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[4] == 60  # what lasted counts as begun well
