"""Work with the ledger that takes its time, and goes on behind the views."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.page.applying import CRASHED, WITHIN

log = structlog.get_logger()

AT_ONCE: Final = 0.05
"""Seconds for which a view waits for what is small nearly always."""
SLICE: Final = 0.01
"""Seconds for which work goes on between two looks whether views are being made."""
Counted = Callable[[int], None]
"""Is told of how many more it was done to."""


class NotBegunError(Exception):
    """What was wanted cannot be done any more; the text says why, for people."""


@dataclass(slots=True)
class Going:
    """One such work.

    Attributes:
        seen: To how many it was done so far.
        problem: Why it did not come to its end.
        ended: Set once it has ended.
    """

    seen: int = 0
    problem: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Behind:
    """Does such work to its end, and knows of what goes on.

    Args:
        begin: Begins something, and keeps it until it has ended.
    """

    def __init__(self, begin: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        self._begin = begin
        self._going: dict[tuple[str, str], Going] = {}

    def going(self, account: str, what: str) -> Going | None:
        """Return what goes on in an account, or why it did not end well; None where it did."""
        return self._going.get((account, what))

    async def do(
        self,
        account: str,
        what: str,
        work: Callable[[Counted], Awaitable[None]],
        *,
        within: float | None = None,
    ) -> Going:
        """Do something, if it does not go on already, and wait for its end for a moment.

        Args:
            account: In which.
            what: A name of what is done.
            work: Does it; where that cannot be any more, it raises `NotBegunError`.
            within: Seconds for which its end is waited for; None for `WITHIN`.
        """
        going = self._going.get((account, what))
        if going is None or going.ended.is_set():
            going = self._going[account, what] = Going()
            self._begin(self._done(account, what, work))
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN if within is None else within):
                await going.ended.wait()
        return going

    async def _done(self, account: str, what: str, work: Callable[[Counted], Awaitable[None]]) -> None:
        going = self._going[account, what]

        def counted(count: int) -> None:
            going.seen += count

        try:
            await work(counted)
            del self._going[account, what]
        except NotBegunError as error:
            going.problem = str(error)
        except LedgerUnavailable as error:
            going.problem = f"Not all was done: {error}. Do it once more; what was done already stays so."
        except Exception:  # the edge: whoever waits for it is told, and the page goes on
            log.exception("page_work_crashed", account=account, what=what)
            going.problem = CRASHED
        finally:
            going.ended.set()


def in_slices(give_way: Callable[[], Awaitable[None]], clock: Clock) -> Callable[[], Awaitable[None]]:
    """Return what gives way to views now and then: after each of many small steps it would be slow."""
    since = clock.monotonic()

    async def goes_on() -> None:
        nonlocal since
        if clock.monotonic() - since >= SLICE:
            await give_way()
            since = clock.monotonic()

    return goes_on
