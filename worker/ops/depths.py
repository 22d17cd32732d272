"""How many messages wait in each account's queues, asked for in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from worker.broker.connection import OpensChannels
from worker.broker.looking import Looking
from worker.broker.topology import archive_queue, dead_letter_queue, work_queue
from worker.errors import BrokerUnavailable

EVERY: Final = 15.0
"""Seconds between two looks."""
FIRST_PAUSE: Final = 1.0
"""Seconds between the first two of a worker, which declares the queues meanwhile."""

ARCHIVES_EVERY: Final = 20
"""Looks of which one asks for archives that were not there: for each of these RabbitMQ closes the channel."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages wait in an account's queues, without those in hand.

    Attributes:
        waiting: In its work queue; None where that is not known: no such queue, or no broker.
        dead: Its dead letters; None likewise.
        archived: Those in its archive; None likewise, or where archives are not looked at.
    """

    waiting: int | None = None
    dead: int | None = None
    archived: int | None = None


UNKNOWN: Final = Depth()


class Depths:
    """Looks at the queues of all accounts every 15 s, on one channel.

    Args:
        connection: Where that is opened; it neither consumes nor publishes.
        accounts: Returns the names of the accounts as they are now.
        first_pause: Seconds between the first two looks; each pause is twice the one before, up to 15 s.
        archives: Whether archives are looked at, too.

    Attributes:
        looked: Is set after each look; whoever waits for the next one clears it.
    """

    def __init__(
        self,
        connection: OpensChannels,
        accounts: Callable[[], Iterable[str]],
        *,
        first_pause: float = EVERY,
        archives: bool = False,
    ) -> None:
        self._first_pause = first_pause
        self._archives = archives
        self._looks = 0
        self._looking = Looking(connection)
        self._accounts = accounts
        self._known: dict[str, Depth] = {}
        self.looked = asyncio.Event()

    def of(self, account: str) -> Depth:
        """Return what the last look found."""
        return self._known.get(account, UNKNOWN)

    def dead_letters(self) -> dict[str, int]:
        """Return how many dead letters the last look found, of each account of which that is known."""
        return {name: depth.dead for name, depth in self._known.items() if depth.dead is not None}

    def archived(self) -> dict[str, int]:
        """Return how many letters it found in archives, likewise."""
        return {name: depth.archived for name, depth in self._known.items() if depth.archived is not None}

    async def run(self) -> None:
        """Look again and again, until cancelled. That the broker is away, its connections say."""
        pause = self._first_pause
        while True:
            try:
                self._known = {name: await self._depth(name) for name in sorted(self._accounts())}
                self._looks += 1
            except BrokerUnavailable:
                self._known, self._looks = {}, 0
            self.looked.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, EVERY)

    async def _depth(self, account: str) -> Depth:
        depth = self._looking.depth
        found = Depth(await depth(work_queue(account)), await depth(dead_letter_queue(account)))
        if self._archives and (self._looks % ARCHIVES_EVERY == 0 or self.of(account).archived is not None):
            return replace(found, archived=await depth(archive_queue(account)))
        return found
