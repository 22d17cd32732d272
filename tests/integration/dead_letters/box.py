"""An account's queues in a real RabbitMQ, without a worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, HeadersType

from worker.broker.connection import Connection
from worker.broker.queues import queue_state
from worker.broker.topology import dead_letter_queue, work_queue
from worker.dead_letters.letter import DeadLetter


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so in RabbitMQ, which can only be asked."""
    async with asyncio.timeout(20):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.005)


@dataclass(frozen=True, slots=True)
class Box:
    """An account's queues, declared as the worker does, without a worker."""

    account: str
    channel: AbstractChannel
    connection: Connection

    async def fill(self, *letters: dict[str, str]) -> None:
        """Put dead letters in; the event's id is their number, from 1."""
        numbered = list(enumerate(letters, 1))
        for at in range(0, len(numbered), 200):
            await asyncio.gather(*(self._put(number, headers) for number, headers in numbered[at : at + 200]))

    async def _put(self, number: int, headers: dict[str, str]) -> None:
        given: HeadersType = {
            "x-reason": "invalid_event", "x-detail": "data.user.email: missing", "x-account": self.account,
            "x-event-type": "user.signed_up", "x-event-id": f"e{number}", "x-attempts": 1,
            "x-failed-at": f"2026-07-01T10:00:{number % 60:02}Z", "x-original-routing-key": "user.signed_up",
            "kept": "yes", **headers,
        }  # fmt: skip
        body = json.dumps({"number": number}).encode()
        message = aio_pika.Message(body, headers=given, message_id=f"letter-{number}", delivery_mode=2)
        await self.channel.default_exchange.publish(message, dead_letter_queue(self.account))

    async def dead(self) -> int:
        """How many dead letters wait."""
        return await self._ready(dead_letter_queue(self.account))

    async def waiting(self) -> int:
        """How many events wait in the work queue."""
        return await self._ready(work_queue(self.account))

    async def _ready(self, queue: str) -> int:
        state = await queue_state(self.connection, queue)
        return state.ready if state else 0

    async def all_back(self, count: int) -> None:
        """Wait until RabbitMQ has put back what was looked at, which it does a moment after the close."""

        async def are_back() -> bool:
            return await self.dead() == count

        await eventually(are_back)

    async def take(self, count: int) -> list[AbstractIncomingMessage]:
        """Consume so many events from the work queue, as a worker would."""
        queue = await self.channel.get_queue(work_queue(self.account), ensure=False)
        taken: list[AbstractIncomingMessage] = []
        async with asyncio.timeout(20), queue.iterator() as messages:
            async for message in messages:
                await message.ack()
                taken.append(message)
                if len(taken) == count:
                    break
        return taken


class Done(list[str]):
    """The events that an operation says it is done with."""

    def __call__(self, letter: DeadLetter) -> None:
        self.append(letter.event_id)
