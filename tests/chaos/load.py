"""What the platform publishes: one event after another, each again until RabbitMQ has confirmed it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import aio_pika
from aio_pika.abc import AbstractExchange, HeadersType
from aio_pika.exceptions import CONNECTION_EXCEPTIONS, AMQPError

from worker.broker.topology import dead_letter_queue, work_queue

ID_HEADER: Final = "x-published-id"
"""Kept by dead letters, so that one whose body says nothing can still be told."""
CONFIRM_TIMEOUT: Final = 60.0
"""Seconds; long, since what was sent and is not confirmed lands later, and out of order, when sent again."""
TROUBLE: Final = (*CONNECTION_EXCEPTIONS, AMQPError, TimeoutError, RuntimeError)


@dataclass(frozen=True)
class Message:
    """Something to publish.

    Attributes:
        id: The event's; what the checker knows it by.
        kind: The event type, of which the routing key is made.
        event: What the model is told; None where it must not change anything in Kit.
        becomes: The only outcome it may have; empty for any.
        properties: Of AMQP.
        readable: False where a worker may find no id.
    """

    id: str
    kind: str
    body: bytes
    event: Mapping[str, Any] | None = None
    becomes: str = "dead_lettered"
    properties: Mapping[str, Any] = field(default_factory=dict)
    readable: bool = True


Published = Mapping[str, Any] | Message
"""An event that can be applied, or any message."""


def good(event: Mapping[str, Any]) -> Message:
    """Return the message of an event that can be applied."""
    return Message(event["id"], event["type"], json.dumps(event).encode(), event, becomes="")


def bad(number: int) -> Message:
    """Return an event that must become a dead letter: its address is none."""
    event = {"id": f"bad{number}", "type": "user.signed_up", "time": "2026-07-01T00:00:00Z"}
    body = json.dumps({**event, "data": {"user": {"email": "nobody"}}}).encode()
    return Message(event["id"], event["type"], body)


MOST_MOVES: Final = 20
"""So many people may get another address within an hour."""


def with_new_addresses(events: Iterable[Mapping[str, Any]], *, every: int) -> list[dict[str, Any]]:
    """Return the events, in which with each so many one more person has a new address from then on.

    They say which one was the person's before, so that each of them may change it.
    """
    moved: set[str] = set()
    changed = []
    for number, event in enumerate(events, 1):
        user = event["data"]["user"]
        if number % every == 0 and len(moved) < MOST_MOVES:
            moved.add(user["id"])
        if user["id"] in moved:
            user = {**user, "email": f"new.{user['email']}", "previous_email": user["email"]}
        changed.append({**event, "data": {**event["data"], "user": user}})
    return changed


class Load:
    """One account's events, published in order, one at a time, over a connection of their own.

    Args:
        amqp_url: RabbitMQ itself.
        exchange: The events exchange.
        app: The end of the routing key.

    Attributes:
        published: Everything whose publishing has begun, once each.
        in_order: False when events were put in another order than that of their times.
        done: Set when there is nothing left to publish.
    """

    def __init__(self, amqp_url: str, exchange: str, app: str) -> None:
        self.published: dict[str, Message] = {}
        self.in_order = True
        self.done = asyncio.Event()
        self._amqp_url = amqp_url
        self._exchange = exchange
        self._app = app
        self._extra: list[Message] = []
        self._again: list[Message] = []
        self._spoilt = 0
        self._stopping = False
        self._connection: aio_pika.abc.AbstractConnection | None = None
        self._target: AbstractExchange | None = None

    @property
    def events(self) -> list[Mapping[str, Any]]:
        """The good ones so far, for the model."""
        return [message.event for message in self.published.values() if message.event is not None]

    def extra(self, *messages: Message) -> None:
        """Publish these next, as long as there is something to publish at all."""
        self._extra += messages

    def spoil(self, count: int) -> None:
        """Publish next so many events that must become dead letters."""
        self.extra(*(bad(self._spoilt + number) for number in range(count)))
        self._spoilt += count

    def replay(self) -> None:
        """Publish all again, in their order, before anything else; whoever was settled is a duplicate."""
        self._again = list(self.published.values())

    def stop(self) -> None:
        """Publish no new events; what was asked for otherwise still goes out."""
        self._stopping = True

    async def run(self, events: Iterable[Published], per_second: float) -> None:
        """Publish until there are no more events, or until stopped."""
        try:
            for message in self._next(iter(events)):
                self.published.setdefault(message.id, message)
                await self._surely(message)
                if message.event is not None and per_second and not self._again:
                    await asyncio.sleep(1 / per_second)
        finally:
            await self._disconnect()
        self.done.set()

    def _next(self, events: Iterator[Published]) -> Iterator[Message]:
        while True:
            if self._again:
                yield self._again.pop(0)
            elif self._extra:
                yield self._extra.pop(0)
            elif self._stopping or (event := next(events, None)) is None:
                return
            else:
                yield event if isinstance(event, Message) else good(event)

    async def _surely(self, message: Message) -> None:
        while True:
            try:
                target = await self._connect()
                await target.publish(
                    self._outgoing(message), f"{message.kind}.{self._app}", timeout=CONFIRM_TIMEOUT
                )
            except TROUBLE:
                await self._disconnect()
                await asyncio.sleep(0.1)
            else:
                return

    @staticmethod
    def _outgoing(message: Message) -> aio_pika.Message:
        headers: HeadersType = {ID_HEADER: message.id}
        options = {
            "delivery_mode": 2,
            "content_type": "application/json",
            "message_id": message.id,
            **message.properties,
            "headers": {**headers, **message.properties.get("headers", {})},
        }
        return aio_pika.Message(message.body, **options)

    async def _connect(self) -> AbstractExchange:
        if self._target is None:
            self._connection = await aio_pika.connect(self._amqp_url, timeout=5)
            # Mandatory is aio-pika's default: what no queue takes comes back, and is published again.
            channel = await self._connection.channel(on_return_raises=True)
            self._target = await channel.get_exchange(self._exchange, ensure=False)
        return self._target

    async def _disconnect(self) -> None:
        connection, self._connection, self._target = self._connection, None, None
        if connection is not None:
            with suppress(*TROUBLE, asyncio.CancelledError):
                async with asyncio.timeout(3):
                    await connection.close()


@dataclass
class Creator:
    """One account: its names, its Kit credential and what is published to it."""

    name: str
    key: str
    load: Load

    @property
    def queue(self) -> str:
        """Its work queue."""
        return work_queue(self.name)

    @property
    def dead(self) -> str:
        """Its dead-letter queue."""
        return dead_letter_queue(self.name)
