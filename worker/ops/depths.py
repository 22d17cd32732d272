"""How many messages wait in each account's queues, asked for in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from worker.broker.looking import Looking
from worker.broker.queues import connected
from worker.broker.topology import dead_letter_queue, work_queue
from worker.errors import BrokerUnavailable

EVERY: Final = 15.0
"""Seconds between two looks."""
FIRST_PAUSE: Final = 1.0
"""Seconds between the first two; each pause is twice the one before."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages wait in an account's queues, without those in hand.

    Attributes:
        waiting: In its work queue; None where that is not known: no such queue, or no broker.
        dead: Its dead letters; None likewise.
    """

    waiting: int | None = None
    dead: int | None = None


UNKNOWN: Final = Depth()


class Depths:
    """Looks at the queues of all accounts every 15 s, on one channel of a connection of its own.

    Of its own, since RabbitMQ closes the whole connection on which a channel more than its limit is opened:
    that must never be the one that consumes. And where its memory is short, it reads nothing from one that
    publishes.

    Args:
        url: The broker's.
        worker_id: As RabbitMQ's own pages show who it is.
        accounts: Returns the names of the accounts as they are now.
    """

    def __init__(self, url: str, worker_id: str, accounts: Callable[[], Iterable[str]]) -> None:
        self._url = url
        self._purpose = f"{worker_id} looking"
        self._accounts = accounts
        self._known: dict[str, Depth] = {}

    def of(self, account: str) -> Depth:
        """Return what the last look found."""
        return self._known.get(account, UNKNOWN)

    async def run(self) -> None:
        """Look again and again, until cancelled. That the broker is away, its connections in use say."""
        while True:
            try:
                async with connected(self._url, self._purpose) as connection:
                    await self._keep_looking(Looking(connection))
            except BrokerUnavailable:
                self._known = {}
            await asyncio.sleep(EVERY)

    async def _keep_looking(self, looking: Looking) -> None:
        """Look at shorter intervals at first, while the accounts' queues are being declared."""
        pause = FIRST_PAUSE
        while True:
            self._known = {name: await _depth(looking, name) for name in sorted(self._accounts())}
            await asyncio.sleep(pause)
            pause = min(2 * pause, EVERY)


async def _depth(looking: Looking, account: str) -> Depth:
    return Depth(await looking.depth(work_queue(account)), await looking.depth(dead_letter_queue(account)))
