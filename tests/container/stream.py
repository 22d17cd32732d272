"""Events of many accounts without an end, published to whichever node of a cluster takes them."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractExchange
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, PublishError

from tests.container.workload import EXCHANGE, RETRY, TrialAccount, Workload
from tests.integration.expected import endless_events

PEOPLE: Final = 6
"""Of each account."""
LANES: Final = 10
"""Publishers side by side, so that a queue that does not confirm keeps a tenth of the events back."""
CONNECTED_WITHIN: Final = 5.0
CONFIRMED_WITHIN: Final = 10.0
CLOSED_WITHIN: Final = 3.0
AWAY: Final = (*CONNECTION_EXCEPTIONS, TimeoutError)
"""What a publisher meets while a node is away."""

Event = tuple[TrialAccount, dict[str, Any]]


class Stream:
    """Publishes until it is told to stop; what a fault keeps back follows after it.

    Args:
        urls: The nodes.
        accounts: Whose turn it is, again and again.
        per_second: Events, over all of them.

    Attributes:
        workload: What was published by now.
        confirmed_at: When RabbitMQ had each event, by account and id, in seconds since 1970.
        again: How often a publish was not confirmed, and was made once more.
    """

    def __init__(self, urls: Sequence[str], accounts: Iterable[TrialAccount], per_second: float) -> None:
        self.workload = Workload({account: [] for account in accounts})
        self.confirmed_at: dict[tuple[str, str], float] = {}
        self.again = 0
        self._urls = urls
        self._pause = LANES / per_second
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Publish no new event."""
        self._stopping.set()

    async def run(self) -> None:
        """Publish; each lane has a part of the accounts, and one event at a time."""
        accounts = list(self.workload.events)
        async with asyncio.TaskGroup() as group:
            for lane in range(LANES):
                group.create_task(self._lane(lane, self._events(accounts[lane::LANES])))

    def _events(self, accounts: Sequence[TrialAccount]) -> Iterator[Event]:
        events = {account: endless_events(PEOPLE, account.number) for account in accounts}
        for account in itertools.cycle(accounts):
            event = next(events[account])
            self.workload.events[account].append(event)
            yield account, event

    async def _lane(self, lane: int, events: Iterator[Event]) -> None:
        due = asyncio.get_running_loop().time()
        waiting = next(events, None)
        for url in itertools.islice(itertools.cycle(self._urls), lane % len(self._urls), None):
            try:
                async with _exchange(url) as exchange:
                    while waiting is not None:
                        await self._publish(exchange, *waiting)
                        waiting, due = None, due + self._pause
                        if await self._goes_on(due):
                            waiting = next(events)
            except PublishError:  # it went to no queue: that is no outage
                raise
            except AWAY:
                self.again += 1
                await asyncio.sleep(RETRY)
            else:
                return

    async def _publish(
        self, exchange: AbstractExchange, account: TrialAccount, event: dict[str, Any]
    ) -> None:
        body = json.dumps(event).encode()
        message = aio_pika.Message(body, delivery_mode=2, content_type="application/json")
        await exchange.publish(message, f"{event['type']}.{account.name}", timeout=CONFIRMED_WITHIN)
        self.confirmed_at[account.name, event["id"]] = time.time()

    async def _goes_on(self, due: float) -> bool:
        """Wait until the next event is due; tell whether there is to be one."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._stopping.wait()
        return not self._stopping.is_set()


@asynccontextmanager
async def _exchange(url: str) -> AsyncIterator[AbstractExchange]:
    connection = await aio_pika.connect(url, timeout=CONNECTED_WITHIN)
    try:
        yield await (await connection.channel()).get_exchange(EXCHANGE, ensure=False)
    finally:
        with suppress(*AWAY, asyncio.CancelledError):
            async with asyncio.timeout(CLOSED_WITHIN):
                await connection.close()
