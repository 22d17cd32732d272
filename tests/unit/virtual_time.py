"""An event loop whose time jumps to the next timer, so that minutes of waiting take no time at all."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from worker.clock import Clock

T = TypeVar("T")


class NothingWillHappen(AssertionError):
    """Everything waits and no timer is set: in real life this would hang for ever."""


class _JumpingSelector(selectors.SelectSelector):
    """Instead of waiting, moves the time on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise NothingWillHappen
            self.now += max(0.0, timeout)
        return events


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time, which starts at 0.

    Raises:
        NothingWillHappen: It got stuck.
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)


def now() -> float:
    """The virtual time, in seconds."""
    return asyncio.get_running_loop().time()


async def settle() -> None:
    """Let everything run that can run without time passing."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """Let something run while the block does, and cancel it then."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class VirtualClock(Clock):
    """The clock of the virtual time: its time of day began at `began`, and its dice always fall alike.

    Args:
        began: Seconds since 1970 at the virtual time 0.
        dice: What `random` returns.
    """

    def __init__(self, *, began: float = 1_800_000_000.0, dice: float = 0.5) -> None:
        super().__init__()
        self.began = began
        self.dice = dice

    def monotonic(self) -> float:
        """Return the virtual time."""
        return now()

    def time(self) -> float:
        """Return the virtual time of day."""
        return self.began + now()

    def now(self) -> datetime:
        """Return the virtual time of day."""
        return datetime.fromtimestamp(self.time(), UTC)

    def random(self) -> float:
        """Return what the dice always show."""
        return self.dice
