"""Every request that came: a bounded record of each, and totals that are not bounded."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

KEPT_CALLS = 200_000


@dataclass(slots=True)
class Call:
    """One request. `arrived` and `ended` are monotonic seconds, `arrived_at` is Unix time.

    `ended` is None while it is being answered, `status` also where no answer was sent. `client` is the peer's
    port; a worker has several connections, so `user_agent` tells workers apart.
    """

    sequence: int
    arrived: float
    arrived_at: float
    method: str
    path: str
    endpoint: str
    account: str | None
    credential: str | None
    user_agent: str
    client: str
    ended: float | None = None
    status: int | None = None
    fault: str | None = None


class Journal:
    """The calls, newest last, of which only the last `kept` stay, and counts of all."""

    def __init__(self, kept: int = KEPT_CALLS) -> None:
        self.calls: deque[Call] = deque(maxlen=kept)
        self.totals: Counter[tuple[str | None, str, int | None]] = Counter()
        self._sequence = 0
        self._waiting: list[asyncio.Future[None]] = []

    def next_sequence(self) -> int:
        """The number of the next call, from 1."""
        self._sequence += 1
        return self._sequence

    def open(self, call: Call) -> None:
        """Note that a call came."""
        self.calls.append(call)
        self._wake()

    def strike(self, call: Call, fault: str) -> None:
        """Note that a fault struck a call."""
        call.fault = fault
        self._wake()

    def close(self, call: Call, now: float) -> None:
        """Note that a call is over."""
        call.ended = now
        self.totals[call.account, call.endpoint, call.status] += 1
        self._wake()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds, looking again whenever a call comes, is struck by a fault or ends."""
        while not holds():
            change = asyncio.get_running_loop().create_future()
            self._waiting.append(change)
            await change

    def select(
        self, *, account: str | None = None, endpoint: str | None = None, status: int | None = None
    ) -> Iterator[Call]:
        """The kept calls of an account, an endpoint or a status, oldest first."""
        return (
            call
            for call in list(self.calls)
            if (account is None or call.account == account)
            and (endpoint is None or call.endpoint == endpoint)
            and (status is None or call.status == status)
        )

    def count(
        self, *, account: str | None = None, endpoint: str | None = None, status: int | None = None
    ) -> int:
        """How many calls of an account, an endpoint or a status ended, including those no longer kept."""
        return sum(
            number
            for (its_account, its_endpoint, its_status), number in self.totals.items()
            if (account is None or its_account == account)
            and (endpoint is None or its_endpoint == endpoint)
            and (status is None or its_status == status)
        )

    def clear(self) -> None:
        """Forget all calls and counts; the numbering goes on."""
        self.calls.clear()
        self.totals.clear()

    def _wake(self) -> None:
        if self._waiting:
            woken, self._waiting = self._waiting, []
            for change in woken:
                if not change.done():  # its waiter may have been cancelled
                    change.set_result(None)


def overlaps(
    calls: Iterable[Call], identity: Callable[[Call], object] | None = lambda call: call.user_agent
) -> list[tuple[Call, Call]]:
    """Pairs of calls that were being answered at the same time.

    Args:
        calls: those to look at, such as the calls of one account.
        identity: what tells callers apart; two calls of one caller may overlap. None: no two calls may.
    """
    pairs: list[tuple[Call, Call]] = []
    running: list[Call] = []
    for call in sorted(calls, key=lambda each: (each.arrived, each.sequence)):
        running = [other for other in running if other.ended is None or other.ended > call.arrived]
        pairs += [(other, call) for other in running if identity is None or identity(other) != identity(call)]
        running.append(call)
    return pairs


def peak_rate(calls: Iterable[Call], window: float = 60.0) -> int:
    """The most calls that arrived within any `window` seconds."""
    within: deque[float] = deque()
    peak = 0
    for arrived in sorted(call.arrived for call in calls):
        within.append(arrived)
        while within[0] <= arrived - window:
            within.popleft()
        peak = max(peak, len(within))
    return peak
