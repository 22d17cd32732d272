"""Many who ask one after another need few channels."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from aio_pika.abc import AbstractChannel

from worker.broker.connection import OpensChannels
from worker.broker.few_channels import MOST, FewChannels
from worker.errors import BrokerUnavailable


class FakeChannel:
    """A channel that can be closed, by either side."""

    is_closed = False

    async def close(self) -> None:
        """Close it."""
        self.is_closed = True


class FakeConnection(OpensChannels):
    """Opens channels, unless it is not to."""

    def __init__(self) -> None:
        self.opened: list[FakeChannel] = []
        self.error: BrokerUnavailable | None = None

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """Open one."""
        assert not confirms
        if self.error is not None:
            raise self.error
        self.opened.append(FakeChannel())
        return cast("AbstractChannel", self.opened[-1])


async def test_who_comes_after_another_has_the_same_channel() -> None:
    connection = FakeConnection()
    few = FewChannels(connection)

    for _ in range(20):
        async with few.temporary_channel() as channel:
            assert not channel.is_closed

    assert len(connection.opened) == 1


async def test_however_many_come_at_once_few_are_open() -> None:
    connection = FakeConnection()
    few = FewChannels(connection)

    async def use() -> None:
        async with few.temporary_channel():
            await asyncio.sleep(0)

    await asyncio.gather(*(use() for _ in range(50)))

    assert len(connection.opened) == MOST


async def test_a_channel_that_rabbitmq_closed_is_not_lent_again() -> None:
    connection = FakeConnection()
    few = FewChannels(connection)
    async with few.temporary_channel() as channel:
        await channel.close()  # as after a refusal, which the caller took for an answer

    async with few.temporary_channel() as channel:
        assert not channel.is_closed

    assert len(connection.opened) == 2


async def test_a_channel_on_which_something_failed_serves_nobody_else() -> None:
    """Given no answer in time, one that comes after all is not taken for another's."""
    connection = FakeConnection()
    few = FewChannels(connection)
    with pytest.raises(TimeoutError):
        async with few.temporary_channel():
            raise TimeoutError

    async with few.temporary_channel():
        assert [channel.is_closed for channel in connection.opened] == [True, False]


async def test_a_connection_that_is_away_takes_no_place() -> None:
    """Given as many failures as there are places and more, then the next who comes is served."""
    connection = FakeConnection()
    few = FewChannels(connection)
    connection.error = BrokerUnavailable("it is away")
    for _ in range(MOST + 1):
        with pytest.raises(BrokerUnavailable):
            async with few.temporary_channel():
                pass
    connection.error = None

    async with asyncio.timeout(1), few.temporary_channel() as channel:
        assert not channel.is_closed
