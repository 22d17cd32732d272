"""Takes refused messages to the dead-letter queue, one at a time, and knows when they are safe there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog

from worker.broker.publisher import Outgoing
from worker.consumer.backlog import Item
from worker.consumer.report import Handed
from worker.dead_letters.letter import Failure, dead_letter
from worker.errors import BrokerUnavailable, EventError
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.retry import backoff

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that cannot be applied, and why.

    Attributes:
        event: What the message says; None where that is not known.
        item: What it was in the backlog; None where it never got there.
    """

    delivery: Delivery
    error: EventError
    attempts: int
    event: Event | None = None
    item: Item[Handed] | None = None


class DeadLetterLane:
    """One account's way to its dead-letter queue.

    Args:
        account: Its name.
        publish: Returns when the broker has the message safely.
        mend: Declares the dead-letter queue, which somebody may have deleted.
        safe: Is told of each message that is safe, and may then be acked.

    Attributes:
        problem: Why the first in the lane is not safe yet, for people; empty when nothing is wrong.
    """

    def __init__(  # noqa: PLR0913  # its collaborators, all named
        self,
        account: str,
        *,
        publish: Callable[[Outgoing], Awaitable[None]],
        mend: Callable[[str], Awaitable[None]],
        safe: Callable[[Refused], Awaitable[None]],
        now: Callable[[], datetime],
        random: Callable[[], float],
    ) -> None:
        self.problem = ""
        self._account = account
        self._publish = publish
        self._mend = mend
        self._safe = safe
        self._now = now
        self._random = random
        self._queue: asyncio.Queue[Refused] = asyncio.Queue()

    def put(self, refused: Refused) -> None:
        """Add a message to the lane."""
        self._queue.put_nowait(refused)

    async def emptied(self) -> None:
        """Wait until all that is in the lane is safe."""
        await self._queue.join()

    async def run(self) -> None:
        """Work until cancelled; what is not safe by then goes back to its queue with the channel."""
        while True:
            refused = await self._queue.get()
            failures = 0
            while not await self._send(refused):
                failures += 1
                await asyncio.sleep(backoff(failures, self._random()))
                with suppress(BrokerUnavailable):  # the next try tells
                    await self._mend(self._account)
            self._queue.task_done()

    async def _send(self, refused: Refused) -> bool:
        delivery = refused.delivery
        failure = Failure(
            account=self._account,
            error=refused.error,
            event=refused.event,
            attempts=refused.attempts,
            failed_at=self._now(),
            received_at=delivery.received_at,
        )
        try:
            await self._publish(dead_letter(delivery, failure))
        except BrokerUnavailable as error:
            if not self.problem:
                # Expected, and so without a traceback.
                log.error("dead_letter_not_safe", account=self._account, problem=str(error))  # noqa: TRY400
            self.problem = f"a dead letter is not safe yet: {error}"
            return False
        if self.problem:
            log.info("dead_letter_safe", account=self._account)
            self.problem = ""
        await self._safe(refused)
        return True
