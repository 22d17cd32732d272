"""How many messages wait in each account's queues, asked for in the background."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

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
        looking: Looks at queues, on a connection that neither consumes nor publishes.
        accounts: Returns the names of the accounts as they are now.
        first_pause: Seconds between the first two looks; each pause is twice the one before, up to 15 s.
        archives: Whether archives are looked at, too.

    Attributes:
        looked: Is set after each look; whoever waits for the next one clears it.
    """

    def __init__(
        self,
        looking: Looking,
        accounts: Callable[[], Iterable[str]],
        *,
        first_pause: float = EVERY,
        archives: bool = False,
    ) -> None:
        self._first_pause = first_pause
        self._archives = archives
        self._looks = 0
        self._looking = looking
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
                self._known = await self._look()
                self._looks += 1
            except BrokerUnavailable:
                self._known, self._looks = {}, 0
            self.looked.set()
            await asyncio.sleep(pause)
            pause = min(2 * pause, EVERY)

    async def _look(self) -> dict[str, Depth]:
        names = sorted(self._accounts())
        archived = {archive_queue(name) for name in names if self._looks_into_archive(name)}
        queues = [queue for name in names for queue in (work_queue(name), dead_letter_queue(name))]
        depth = (await self._looking.depths([*queues, *sorted(archived)])).get
        return {
            name: Depth(depth(work_queue(name)), depth(dead_letter_queue(name)), depth(archive_queue(name)))
            for name in names
        }

    def _looks_into_archive(self, account: str) -> bool:
        asks_all = self._looks % ARCHIVES_EVERY == 0
        return self._archives and (asks_all or self.of(account).archived is not None)
