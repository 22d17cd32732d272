"""Commands that are sent at once, on a real RabbitMQ."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from worker.broker.connection import Connection
from worker.broker.few_channels import FewChannels
from worker.broker.pipeline import RefusedError, bound, carry_out, find, is_queue, queue
from worker.broker.queues import connected
from worker.errors import BrokerUnavailable

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def connection(amqp_url: str) -> AsyncIterator[Connection]:
    async with connected(amqp_url, "test") as opened:
        yield opened


async def test_each_question_has_its_own_answer_wherever_something_is_missing(
    connection: Connection, account_name: str
) -> None:
    """Given some queues of many that are not there, it is these that are not found."""
    names = [f"{account_name}.{number}" for number in range(250)]
    there = names[3:9] + names[99:101] + names[200:-1]
    await carry_out(connection, [queue(name, {"x-expires": 60_000}) for name in there])
    found = await find(FewChannels(connection), [is_queue(name) for name in names])
    assert [each and each.queue for each in found] == [name if name in there else None for name in names]


async def test_nothing_is_done_beyond_what_is_refused(connection: Connection, account_name: str) -> None:
    """Given a refusal of something whose answer nobody waits for, it is heard of, and ends the rest."""
    few, first, last = FewChannels(connection), f"{account_name}.first", f"{account_name}.last"
    arguments = {"x-expires": 60_000}
    with pytest.raises(RefusedError, match="no exchange 'no"):
        await carry_out(few, [queue(first, arguments), bound(first, "no.such", "x"), queue(last, arguments)])
    found = await find(few, [is_queue(first), is_queue(last)])
    assert [each is not None for each in found] == [True, False]


async def test_an_answer_that_comes_too_late_is_nobody_elses(
    connection: Connection, account_name: str
) -> None:
    """Given questions that were given up, the next ones that are asked get their own answers."""
    few, name = FewChannels(connection), f"{account_name}.one"
    await carry_out(few, [queue(name, {"x-expires": 60_000})])
    for _ in range(5):
        await find(few, [is_queue(name)])
        asking = asyncio.create_task(find(few, [is_queue(name)] * 100))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait({asking})
        found = await find(few, [is_queue(f"{account_name}.none"), is_queue(name)])
        assert [each and each.queue for each in found] == [None, name]


async def test_a_connection_that_closes_meanwhile_is_told(connection: Connection, account_name: str) -> None:
    few = FewChannels(connection)
    await find(few, [is_queue(account_name)])
    asking = asyncio.create_task(find(few, [is_queue(f"{account_name}.{each}") for each in range(300)]))
    await asyncio.sleep(0)
    await connection.close()
    with pytest.raises(BrokerUnavailable):
        await asking
