"""What became of events: as the workers logged it, and as RabbitMQ has it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import ChannelNotFoundEntity

from tests.chaos.load import ID_HEADER
from tests.integration.harness import Worker

OUTCOMES: Final = {
    "event_applied": "applied",
    "event_ignored": "ignored",
    "event_superseded": "superseded",
    "event_duplicate": "duplicate",
    "event_dead_lettered": "dead_lettered",
}


@dataclass
class Outcomes:
    """What the logs say of one account's events.

    Attributes:
        of: How often each event had each outcome, by its id.
        first_applied: The ids of applied events, in the order in which each was applied first.
    """

    of: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    first_applied: list[str] = field(default_factory=list)

    def total(self, outcome: str) -> int:
        """How many events had that outcome at least once."""
        return sum(1 for seen in self.of.values() if seen[outcome])


class LogReader:
    """Reads the logs of all workers, on and on."""

    def __init__(self) -> None:
        self._read: Counter[Worker] = Counter()
        self._outcomes: dict[str, Outcomes] = defaultdict(Outcomes)

    def outcomes(self, account: str, workers: Iterable[Worker]) -> Outcomes:
        """Return the outcomes of an account's events by now."""
        new = []
        for worker in workers:
            lines = worker.log_lines()
            new += [line for line in lines[self._read[worker] :] if line["event"] in OUTCOMES]
            self._read[worker] = len(lines)
        for line in sorted(new, key=lambda line: str(line["timestamp"])):
            self._note(line)
        return self._outcomes[account]

    def _note(self, line: dict[str, Any]) -> None:
        outcomes, event_id = self._outcomes[line["account"]], str(line["event_id"])
        outcome = OUTCOMES[line["event"]]
        if outcome == "applied" and not outcomes.of[event_id][outcome]:
            outcomes.first_applied.append(event_id)
        outcomes.of[event_id][outcome] += 1


async def waiting(amqp_url: str, queue: str) -> int:
    """Return how many messages are ready in a queue; 0 where there is none."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        with suppress(ChannelNotFoundEntity):
            declared = await channel.declare_queue(queue, passive=True)
            return declared.declaration_result.message_count or 0
    return 0


async def ids_in(amqp_url: str, queue: str) -> list[str]:
    """Return the ids of what waits in a queue that nobody consumes; looking leaves it there."""
    count = await waiting(amqp_url, queue)
    seen: list[str] = []
    if not count:
        return seen
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        all_seen = asyncio.Event()

        async def look(message: AbstractIncomingMessage) -> None:
            seen.append(_id_of(message))
            if len(seen) >= count:
                all_seen.set()

        # It consumes, since a queue with a single active consumer refuses basic.get.
        await (await channel.get_queue(queue)).consume(look)
        async with asyncio.timeout(20):
            await all_seen.wait()
    return seen


def _id_of(message: AbstractIncomingMessage) -> str:
    """Return the id it was published under: the test's own header, else the event's."""
    with suppress(KeyError):
        return str(message.headers[ID_HEADER])
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(message.body)["id"])
    return str(message.headers.get("x-event-id") or "unknown")
