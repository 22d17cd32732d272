"""Sessions with times shortened: when calls must stop, what is handed back, what costs one message only."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, depth, publish
from tests.integration.session.in_process import Running, eventually, ledger_at
from worker.broker.topology import work_queue
from worker.clock import Clock
from worker.consumer import holds, intake
from worker.consumer.receive import Consumer
from worker.consumer.report import Report
from worker.events.decode import decode
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.retry import Patience
from worker.sandbox import Sandbox
from worker.subscribers.item import Outcome

pytestmark = pytest.mark.timeout(60)


@dataclass
class Pipe:
    """A TCP proxy to the broker that can swallow everything, as a broken network does."""

    port: int = 0
    black_hole: bool = False


@asynccontextmanager
async def piped(host: str, port: int) -> AsyncIterator[Pipe]:
    """Forward connections while the context lasts."""
    pipe = Pipe()
    tasks: set[asyncio.Task[None]] = set()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                while pipe.black_hole:
                    await asyncio.sleep(0.05)
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        tasks.add(asyncio.create_task(forward(reader, far_writer)))
        tasks.add(asyncio.create_task(forward(far_reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    pipe.port = server.sockets[0].getsockname()[1]
    yield pipe
    server.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def stalls() -> Iterator[list[float]]:
    """Collect for how long this process stood still, each time, in seconds: what is due in it is as late."""
    seen = [0.0]

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            seen.append(time.monotonic() - began - 0.01)

    watching = asyncio.create_task(watch())
    try:
        yield seen
    finally:
        watching.cancel()


async def empty(url: str, queue: str) -> None:
    """Wait until a queue is empty."""
    async with asyncio.timeout(30):
        while await depth(url, queue):
            await asyncio.sleep(0.1)


async def test_no_call_once_the_broker_is_not_heard(
    running: Running,
    amqp_url: str,
    channel: AbstractChannel,
    events_exchange: str,
    sandbox: Sandbox,
) -> None:
    """Given a network that swallows everything, calls to Kit stop within two heartbeats, and resume after."""
    max_silence = 2 * 0.5
    events = make_events(1000, 400, seed=31)
    sandbox.latency = 0.2
    host, port = amqp_url.rpartition("@")[2].rstrip("/").split(":")
    async with (
        piped(host, int(port)) as pipe,
        running(
            amqp_url.replace(f":{port}/", f":{pipe.port}/"), ping_every=0.1, max_silence=max_silence
        ) as worker,
    ):
        await publish(channel, events_exchange, events)
        await eventually(lambda: sandbox.journal.count() > 50)
        pipe.black_hole = True
        swallowed = sandbox.monotonic()
        with stalls() as stood_still:
            await eventually(lambda: worker.status.state == "held")
            await asyncio.sleep(0.5)
        arrived = [call.arrived for call in sandbox.journal.calls]
        assert max(arrived) < swallowed + max_silence + 0.2 + max(stood_still)
        pipe.black_hole = False
        sandbox.latency = 0.0
        await eventually(lambda: sandbox.journal.count() > len(arrived))
        await empty(amqp_url, work_queue(worker.account.name))
        await eventually(lambda: not worker.status.pending_subscribers)
    assert wrong_people(sandbox, events) == []


async def test_events_that_grow_old_are_handed_back(
    running: Running,
    amqp_url: str,
    channel: AbstractChannel,
    events_exchange: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given more in hand than Kit takes in time, the account hands back, and takes half as much."""
    events = make_events(100, 100, seed=32)
    sandbox.latency = 0.4
    sizes: list[int] = []
    subscribe = Consumer.subscribe

    async def spy(consumer: Consumer) -> None:
        sizes.append(consumer.window)
        await subscribe(consumer)

    monkeypatch.setattr(Consumer, "subscribe", spy)
    async with running(amqp_url, prefetch=64, patience=Patience(max_age=1.0)) as worker:
        await publish(channel, events_exchange, events)
        await eventually(lambda: len(sizes) > 3, 40)
        sandbox.latency = 0.0
        await empty(amqp_url, work_queue(worker.account.name))
        await eventually(lambda: not worker.status.pending_subscribers)
        await eventually(lambda: sizes[-1] == 64)
    assert sizes[:3] == [64, 32, 16]
    assert wrong_people(sandbox, events) == []


async def test_a_bug_in_receiving_costs_one_message(
    running: Running,
    amqp_url: str,
    channel: AbstractChannel,
    events_exchange: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given code that crashes on one message, that one is a dead letter, and the next ones are applied."""
    crashes = itertools.chain([RuntimeError("a bug")], itertools.repeat(None))

    def crashing(*args: object, **kwargs: object) -> object:
        if (crash := next(crashes)) is not None:
            raise crash
        return decode(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "decode", crashing)
    ten = make_events(10, 10, seed=33)
    async with running(amqp_url) as worker:
        await publish(channel, events_exchange, ten)
        queue = await channel.get_queue(f"{work_queue(worker.account.name)}.dead")
        async with asyncio.timeout(20):
            while (letter := await queue.get(fail=False)) is None:
                await asyncio.sleep(0.1)
        await empty(amqp_url, work_queue(worker.account.name))
        await eventually(lambda: not worker.status.pending_subscribers)
    assert letter.headers["x-reason"] == "handler_error"
    assert wrong_people(sandbox, ten[1:]) == []


@pytest.mark.parametrize("killed", [False, True])
async def test_after_a_worker_that_was_killed_kit_is_asked_first(
    channel: AbstractChannel,
    amqp_url: str,
    events_exchange: str,
    account_name: str,
    sandbox: Sandbox,
    tmp_path: Path,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
    *,
    killed: bool,
) -> None:
    """Given calls of a killed worker that Kit may still carry out, those land before anything is written.

    Where nobody had the account before, nothing is waited for.
    """
    landing = 4.0  # longer than a busy machine takes for what comes between a look and the first call
    monkeypatch.setattr(holds, "LANDING", landing)
    async with Ledger(Database(ledger_at(tmp_path)), worker="dead", clock=Clock()) as ledger:
        await ledger.ready()
        if killed:
            await ledger.take(account_name)
    events = make_events(5, 5, seed=16)

    async with running(amqp_url):
        await publish(channel, events_exchange, events)
        await eventually(lambda: wrong_people(sandbox, events) == [])

    calls = sandbox.journal.calls
    first = next(call for call in calls if call.method != "GET")
    looks = [call for call in calls if call.endpoint == "GET /v4/account" and call.arrived < first.arrived]
    waited = first.arrived - (looks[-1].ended or 0.0)
    assert (waited >= landing) == killed


def events_of_poison_and_others(seed: int) -> list[dict[str, Any]]:
    """Return events that add tags, one of each of many people."""
    adding = (each for each in make_events(2000, 120, seed=seed) if each["type"] == "subscription.started")
    return list({each["data"]["user"]["email"]: each for each in adding}.values())


def never_take(sandbox: Sandbox, event: dict[str, Any]) -> None:
    """Have Kit answer 500 to every tag for the person of an event."""
    person = sandbox.account(KEY).add_subscriber(event["data"]["user"]["email"])
    sandbox.fail("status", status=500, method="POST", path=f"/v4/tags/*/subscribers/{person}")


async def test_one_person_whom_kit_never_takes_becomes_a_dead_letter_and_holds_up_nobody(
    channel: AbstractChannel,
    amqp_url: str,
    events_exchange: str,
    sandbox: Sandbox,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given an event that fails for ever, over sessions that it makes grow old, others go on, and it ends."""
    poison, *others = events_of_poison_and_others(seed=19)
    ended: list[tuple[str, str | None]] = []

    def note(_: Report, outcome: Outcome) -> None:
        if outcome.error is not None:
            event = outcome.item.event
            ended.append((outcome.error.reason.value, event.id if event else None))

    monkeypatch.setattr(Report, "ended", note)
    async with running(amqp_url, patience=Patience(max_age_held=5.0, alone_for=2.0, tries=4, trying=8.0)):
        never_take(sandbox, poison)
        await publish(channel, events_exchange, [poison])
        for other in itertools.takewhile(lambda _: not ended, others):
            await publish(channel, events_exchange, [other])
            await eventually(lambda other=other: wrong_people(sandbox, [other]) == [])  # type: ignore[misc]
            await asyncio.sleep(0.5)
    assert ended == [("kit_unavailable", poison["id"])]


async def test_one_person_whom_kit_never_takes_lets_others_in_after_a_while(
    channel: AbstractChannel,
    amqp_url: str,
    events_exchange: str,
    sandbox: Sandbox,
    running: Running,
) -> None:
    """Given an account at rest but for an event that fails for ever, the next one does not wait behind it."""
    poison, other, *_ = events_of_poison_and_others(seed=20)
    async with running(amqp_url, patience=Patience(max_age_held=5.0, alone_for=2.0)) as worker:
        never_take(sandbox, poison)
        await publish(channel, events_exchange, [poison])
        await eventually(lambda: worker._prefetch.careful)  # it shows nowhere else
        await publish(channel, events_exchange, [other])
        await eventually(lambda: wrong_people(sandbox, [other]) == [])
