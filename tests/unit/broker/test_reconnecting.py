"""When a connection is given up that does not answer."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from yarl import URL

from tests.unit.virtual_time import VirtualClock, beside, now, run
from worker.broker.address import HEARTBEAT
from worker.broker.reconnecting import PING_EVERY, ReconnectingConnection
from worker.consumer.prefetch import starting_with
from worker.consumer.receive import Consumer
from worker.consumer.room import Room
from worker.events.delivery import Delivery


class Silent:
    """A connection to a broker that answers the first question only."""

    is_up = True
    is_closed = False
    where = version = ""

    def __init__(self) -> None:
        self.asked = list[float]()
        self.closed_at = 0.0

    def lost(self) -> asyncio.Future[str]:
        return asyncio.get_running_loop().create_future()

    async def open_channel(self) -> Silent:
        return self

    async def set_qos(self, **_: int) -> None:
        self.asked.append(now())
        if len(self.asked) > 1:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.closed_at = self.closed_at or now()


def given_up_at(messages: list[float]) -> float:
    """Return when a connection is given up that answers no more, but brings messages at these times."""

    async def main() -> float:
        silent = Silent()
        nodes: Any = SimpleNamespace(connect=lambda _: answer(silent))
        connection = ReconnectingConnection([URL("amqp://here")], "test", clock=VirtualClock())
        connection._nodes = nodes
        async with beside(connection.run()):
            for at in messages:
                await asyncio.sleep(at - now())
                assert connection.is_up, at
                connection.message_came_at = now()
            while not silent.closed_at:
                await asyncio.sleep(0.1)
            assert silent.asked[:2] == pytest.approx([0, PING_EVERY])
        return silent.closed_at

    return run(main())


async def answer(connection: Silent) -> Silent:
    """Connect."""
    return connection


def test_a_connection_that_says_nothing_more_is_given_up() -> None:
    assert given_up_at([]) == pytest.approx(PING_EVERY + HEARTBEAT, abs=0.1)
    assert given_up_at([1.0, 4.0]) == pytest.approx(PING_EVERY + HEARTBEAT, abs=0.1)


def test_an_answer_may_lie_behind_messages() -> None:
    """Given a worker so busy that it has not read all that came before it, RabbitMQ is there still."""
    last = 3.0 * HEARTBEAT
    assert given_up_at([15.0, 30.0, 45.0, last]) == pytest.approx(last + HEARTBEAT, abs=0.1)


def test_whoever_consumes_notes_when_a_message_came() -> None:
    async def main() -> None:
        clock = VirtualClock()
        broker: Any = SimpleNamespace(consuming=ReconnectingConnection([], "test", clock=clock))
        consumer = Consumer("sunny", broker, "here", starting_with(500), Room(), clock)
        await consumer.receive(Delivery(b"", "", since=70.0))
        assert broker.consuming.message_came_at == 70.0

    run(main())
