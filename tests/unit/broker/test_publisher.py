"""Publishing, where the broker does not answer."""

from __future__ import annotations

import asyncio
from typing import Self, cast

import pytest
from aio_pika import Message
from aio_pika.abc import AbstractChannel

from worker.broker.connection import OpensChannels
from worker.broker.publisher import Outgoing, Publisher
from worker.errors import BrokerUnavailable


class FakeChannel:
    """A channel, and its exchange; it confirms, unless it is told to say nothing."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.is_closed = False
        self.published: list[bytes] = []

    async def get_exchange(self, _name: str, *, ensure: bool) -> Self:
        assert not ensure
        return self

    async def publish(self, message: Message, _key: str, *, mandatory: bool) -> None:
        assert mandatory
        self.published.append(message.body)
        if not self.answers:
            await asyncio.Event().wait()

    async def close(self) -> None:
        self.is_closed = True


class FakeConnection(OpensChannels):
    """Opens these channels, one after the other."""

    def __init__(self, *channels: FakeChannel) -> None:
        self._channels = iter(channels)

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        assert confirms
        return cast("AbstractChannel", next(self._channels))


def event(body: bytes) -> Outgoing:
    return Outgoing("events", "key", body, {})


async def test_a_channel_on_which_something_is_unanswered_is_not_used_again() -> None:
    """Given a confirm that comes too late, it is not taken for the one of a later message."""
    silent, answering = FakeChannel(answers=False), FakeChannel(answers=True)
    publisher = Publisher(FakeConnection(silent, answering))

    with pytest.raises(BrokerUnavailable, match="was not confirmed"):
        await publisher.publish(event(b"one"), timeout=0.01)
    await publisher.publish(event(b"two"))

    assert silent.is_closed
    assert (silent.published, answering.published) == ([b"one"], [b"two"])


async def test_what_is_unanswered_leaves_what_else_is_under_way_on_its_channel_alone() -> None:
    """Given two messages of which one is given up, the other may still be confirmed where it was sent."""
    silent = FakeChannel(answers=False)
    publisher = Publisher(FakeConnection(silent))

    patient = asyncio.create_task(publisher.publish(event(b"one")))
    with pytest.raises(BrokerUnavailable, match="was not confirmed"):
        await publisher.publish(event(b"two"), timeout=0.01)

    assert not silent.is_closed
    patient.cancel()
    await asyncio.gather(patient, return_exceptions=True)
    assert silent.is_closed


async def test_a_channel_that_answers_is_used_again() -> None:
    channel = FakeChannel(answers=True)
    publisher = Publisher(FakeConnection(channel))

    await asyncio.gather(*(publisher.publish(event(b"x")) for _ in range(3)))
    await publisher.publish(event(b"y"))

    assert channel.published == [b"x", b"x", b"x", b"y"]
    assert not channel.is_closed
