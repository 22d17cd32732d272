"""Reaching RabbitMQ: that nothing waits for ever."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from yarl import URL

from worker.broker.address import check_amqp_url
from worker.broker.connection import answered_within, close_quietly, connect
from worker.broker.nodes import Nodes, in_turn
from worker.errors import BrokerUnavailable


async def test_of_nodes_that_do_not_answer_each_is_told() -> None:
    """Given three nodes of which none is there, the sentence names all of them, and no password."""
    nodes = Nodes(check_amqp_url("amqp://user:secret@127.0.0.1:1,127.0.0.1:2,[::1]:3/"))
    with pytest.raises(BrokerUnavailable) as caught:
        await nodes.connect("test")
    said = str(caught.value).split("; amqp://")
    assert [text.partition("@")[2].partition("/")[0] for text in said] == [
        "127.0.0.1:1",
        "127.0.0.1:2",
        "[::1]:3",
    ]
    assert "secret" not in str(caught.value)


def test_workers_spread_over_the_nodes_and_those_of_a_lost_node_over_the_others() -> None:
    """Given one list of nodes for all workers, each tries all of them, in an order of its own that stays."""
    urls = check_amqp_url("amqp://user:secret@a,b,c/")
    orders = [in_turn(urls, f"worker-{number}") for number in range(600)]
    assert orders == [in_turn(reversed(urls), f"worker-{number}") for number in range(600)]
    assert all(sorted(order) == sorted(urls) for order in orders)
    counts = Counter(orders)
    assert len(counts) == 6
    assert all(70 < count < 130 for count in counts.values()), counts


@pytest.fixture
async def silent_port() -> AsyncIterator[int]:
    """A server that takes connections and says nothing."""

    async def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    gone.set()
    server.close()


async def test_a_broker_that_says_nothing_is_given_up(silent_port: int) -> None:
    """Given a server that accepts and never answers, connecting ends, and no password is shown."""
    with pytest.raises(BrokerUnavailable, match=r"amqp://user:\*\*\*@127.0.0.1:\d+/: no answer") as caught:
        await connect(URL(f"amqp://user:secret@127.0.0.1:{silent_port}/"), "test", timeout=0.1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("given_up", [asyncio.CancelledError, Exception])
async def test_what_the_library_gives_up_is_no_cancellation_of_ours(given_up: type[BaseException]) -> None:
    """Given a library that raises what it does when a connection closes, the task that asked hears why."""
    with pytest.raises(ConnectionAbortedError):
        async with answered_within():
            raise given_up


async def test_a_bug_stays_what_it_is() -> None:
    """Given an error that no library means, nobody takes it for a lost connection."""
    with pytest.raises(KeyError):
        async with answered_within():
            raise KeyError


async def test_our_own_cancellation_stays_one() -> None:
    """Given a task that is cancelled while it asks, it ends as cancelled."""
    entered = asyncio.Event()

    async def ask() -> None:
        async with answered_within():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(ask())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_what_raises_cancelled_error_hides_no_cancellation() -> None:
    """Given a close that raises CancelledError of its own, the caller goes on."""

    class Closable:
        is_closed = False

        async def close(self) -> None:
            raise asyncio.CancelledError

    await close_quietly(Closable())  # type: ignore[arg-type]  # all that it uses
