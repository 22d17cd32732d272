"""Takes events in: asks the ledger whom they are about and what of them is news, and folds that.

Events that come while the ledger is being asked wait, and are asked about together: one read per batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from worker.accounts.interpret import Request
from worker.consumer.backlog import Backlog, Item
from worker.consumer.report import Delivery, Handed
from worker.errors import EpochLost, EventError
from worker.events.event import Event
from worker.ledger.account import AccountLedger
from worker.subscribers.in_hand import InHand
from worker.subscribers.known import Known
from worker.subscribers.subscriber import Subscriber, Verdict

LOOK_AGAIN: Final = 0.2
"""Seconds after which an event that waits for another subscriber's work is looked at again."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event that has come, and what it asks for under the mapping in force.

    Attributes:
        refusal: Why it cannot be applied; then it asks for nothing.
    """

    delivery: Delivery
    event: Event
    request: Request
    refusal: EventError | None = None


class Intake:
    """One session's events on their way into the backlog.

    Args:
        in_hand: What is known of the people in hand.
        ledger: Where more is known.
        backlog: Where events wait that have something to do.
        settle: Is given each event that has nothing to do, and why.
        fresh: Tells whether so many events, the ones that wait here, are all that is in hand.
        may_read: Waits until the account is surely ours.
        take: Takes the account anew.
        wake: Is called when the backlog has grown.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        in_hand: InHand,
        ledger: AccountLedger,
        backlog: Backlog[Subscriber, Handed],
        *,
        settle: Callable[[Item[Handed], str], None],
        fresh: Callable[[int], bool],
        may_read: Callable[[], Awaitable[None]],
        take: Callable[[], Awaitable[None]],
        wake: Callable[[], None],
    ) -> None:
        self._in_hand = in_hand
        self._ledger = ledger
        self._backlog = backlog
        self._settle = settle
        self._fresh = fresh
        self._may_read = may_read
        self._take = take
        self._wake = wake
        self._waiting: list[Arrival] = []
        self._parked: list[Arrival] = []
        self._came = asyncio.Event()

    def __len__(self) -> int:
        """Return how many events wait here."""
        return len(self._waiting) + len(self._parked)

    @property
    def waiting(self) -> bool:
        """Whether events wait for the ledger's answer."""
        return bool(self._waiting)

    def put(self, arrival: Arrival) -> None:
        """Add an event."""
        self._waiting.append(arrival)
        self._came.set()

    def refold(self, interpret: Callable[[Arrival], Arrival | None]) -> None:
        """Let a new mapping decide about what waits here; None drops it."""
        for waiting in (self._waiting, self._parked):
            waiting[:] = [arrival for old in waiting if (arrival := interpret(old)) is not None]

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            EpochLost: Somebody else has taken the account.
        """
        while True:
            await self._more()
            await self._may_read()
            emails, users = self._in_hand.unknown(arrival.request for arrival in self._waiting)
            # Also where nothing is unknown: reading is what shows that the account is still ours.
            known = await self._look_up(emails, users, fresh=self._fresh(len(self._waiting)))
            self._in_hand.learn(emails, users, known)
            self._take_in()

    async def _look_up(self, emails: Collection[str], users: Collection[str], *, fresh: bool) -> Known:
        try:
            return await self._ledger.load(emails, users)
        except EpochLost:
            if not fresh:
                raise
        # With nothing older in hand: the broker has given the account to us since whoever took it last.
        await self._take()
        return await self._ledger.load(emails, users)

    async def _more(self) -> None:
        while not self._waiting:
            self._came.clear()
            try:
                async with asyncio.timeout(LOOK_AGAIN if self._parked else None):
                    await self._came.wait()
            except TimeoutError:
                self._waiting, self._parked = self._parked, []

    def _take_in(self) -> None:
        # What waited for somebody's work comes first: it may never be quiet here.
        arrivals = self._parked + self._waiting
        self._parked, self._waiting = [], []
        for arrival in arrivals:
            if any(map(bool, self._in_hand.unknown((arrival.request,)))):
                self._waiting.append(arrival)  # it came meanwhile
                continue
            judge = self._in_hand.judge if arrival.refusal is None else self._in_hand.judge_refused
            verdict = judge(arrival.event, arrival.request)
            if verdict.wait_for is not None:
                self._parked.append(arrival)
                continue
            self._in_hand.take_in(arrival.event, arrival.request, verdict)
            self._pass_on(arrival, verdict)
        self._wake()

    def _pass_on(self, arrival: Arrival, verdict: Verdict) -> None:
        handed = Handed(arrival.delivery, verdict.subscriber)
        refusal = verdict.refusal or arrival.refusal
        item = Item(arrival.event, verdict.change, handed, refusal, verdict.doubled)
        if verdict.outcome:
            self._settle(item, verdict.outcome)
        else:
            self._backlog.add(verdict.subscriber, item)
