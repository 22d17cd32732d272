"""Sessions in this process, with times shortened: when calls must stop, and what is handed back."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr
from structlog.testing import capture_logs

from tests.integration.conftest import BrokerControl
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, depth, publish
from worker.accounts.account import Account
from worker.broker.broker import Broker
from worker.broker.few_channels import FewChannels
from worker.broker.reconnecting import MAX_SILENCE, PING_EVERY
from worker.broker.topology import Topology, work_queue
from worker.clock import Clock
from worker.consumer import holds, intake
from worker.consumer.prefetch import starting_with
from worker.consumer.receive import Consumer
from worker.consumer.report import Report
from worker.consumer.room import Room
from worker.consumer.shared import Shared
from worker.consumer.supervisor import Supervisor
from worker.errors import BrokerUnavailable
from worker.events.decode import decode
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.kit.access import KitAccess
from worker.kit.credentials import ApiKey
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.mapping import EventMapping, FieldTarget, Options
from worker.metrics import Metrics
from worker.retry import PATIENCE, Patience
from worker.sandbox import Sandbox
from worker.settings import Settings
from worker.subscribers.item import Outcome

pytestmark = pytest.mark.timeout(60)

Running = Callable[..., AbstractAsyncContextManager[Supervisor]]


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


def ledger_at(folder: Path) -> str:
    """Return the address of the ledger of all that runs in a folder."""
    return f"sqlite+aiosqlite:///{folder}/ledger.db"


def account_called(name: str) -> Account:
    """Return an account with the default mapping."""
    return Account(
        name,
        credential=ApiKey(SecretStr(KEY)),
        events={kind: handler.default for kind, handler in HANDLERS.items() if handler.default},
        fields=tuple(
            FieldTarget(source, "first_name" if source == "mk_first_name" else source)
            for source in PLATFORM_FIELDS
        ),
        options=Options(max_new_taggings_per_hour=10**6),
        version="1",
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits."""
    async with Sandbox(limit=False, latency=0.01).running() as sandbox:
        yield sandbox


@pytest.fixture
def running(events_exchange: str, account_name: str, sandbox: Sandbox, tmp_path: Path) -> Running:
    """Run the account in this process, over a broker URL, until the context ends."""

    @asynccontextmanager
    async def run(
        url: str,
        *,
        limit: int = 10**6,
        prefetch: int = 500,
        ping_every: float = PING_EVERY,
        max_silence: float = MAX_SILENCE,
        patience: Patience = PATIENCE,
    ) -> AsyncIterator[Supervisor]:
        broker = Broker(url, "here", Clock(), ping_every=ping_every, max_silence=max_silence)
        topology = Topology(FewChannels(broker.asking), events_exchange)
        ledger = Ledger(Database(ledger_at(tmp_path)), worker="here", clock=Clock())
        settings = Settings(kit_base_url=sandbox.url, kit_rate_limit=limit, kit_timeout=5.0)
        shared = Shared(
            broker=broker,
            topology=topology,
            ledger=ledger,
            registry=Registry(ledger, "here"),
            metrics=Metrics(),
            kit=KitAccess(settings, ledger),
            clock=Clock(),
            worker_id="here",
            known_ttl=0.0,
            patience=patience,
        )
        worker = Supervisor(account_called(account_name), shared, prefetch, grace=lambda: 5.0)
        connected = asyncio.create_task(broker.run())
        working = asyncio.create_task(worker.run())
        await eventually(lambda: worker.status.state in {"running", "waiting"})
        yield worker
        worker.stop()
        await working
        connected.cancel()
        await asyncio.gather(connected, return_exceptions=True)
        await ledger.database.close()

    return run


async def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until something has come true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


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


async def test_options_that_change_between_two_sessions_are_in_force(
    running: Running, amqp_url: str, channel: AbstractChannel, events_exchange: str, sandbox: Sandbox
) -> None:
    """Given options saved while the account waits for its queue, its next session goes by them."""
    async with running(amqp_url) as worker:
        await channel.queue_delete(work_queue(worker.account.name))
        await eventually(lambda: worker.status.state == "queue_missing")
        options = Options(subscriber_state="inactive")
        await worker.reload(replace(worker.account, options=options, version="2"))
        await eventually(lambda: worker.status.state in {"running", "waiting"})
        event = make_events(1, 1, seed=34)
        await publish(channel, events_exchange, event)
        await eventually(lambda: sandbox.account(KEY).find("person0@example.com") is not None)
    assert sandbox.account(KEY).subscriber("person0@example.com").state == "inactive"


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


def with_order_paid(account: Account) -> Account:
    """Return an account that maps one more event type."""
    return replace(account, events={**account.events, "order.paid": EventMapping()}, version="2")


PAID = {**make_events(1, 1, seed=18)[0], "type": "order.paid"}


async def test_an_event_type_that_is_saved_while_kit_is_away_is_bound(
    channel: AbstractChannel,
    amqp_url: str,
    events_exchange: str,
    account_name: str,
    sandbox: Sandbox,
    running: Running,
) -> None:
    """Given a file saved while its account asks Kit again and again, its events reach the queue later."""
    async with running(amqp_url) as worker:
        sandbox.fail("unauthorized")
        await publish(channel, events_exchange, make_events(3, 3, seed=17))
        await eventually(lambda: worker.status.state == "credential_refused")
        probes = sandbox.journal.count(endpoint="GET /v4/account")
        while sandbox.journal.count(endpoint="GET /v4/account") == probes:
            worker.try_again()
            await asyncio.sleep(0.05)
        await worker.reload(with_order_paid(account_called(account_name)))
        sandbox.faults.clear()
        worker.try_again()
        await eventually(lambda: worker.status.state in {"running", "waiting"})
        await publish(channel, events_exchange, [PAID])


async def test_an_event_type_that_could_not_be_bound_is_bound_by_the_next_session(
    channel: AbstractChannel,
    amqp_url: str,
    events_exchange: str,
    account_name: str,
    running: Running,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Given a file saved while the broker does not answer, its events reach the queue all the same."""
    bind, failures = Topology.bind, iter([BrokerUnavailable("no answer")])
    bound = asyncio.Event()

    async def fail_once(*arguments: Any) -> None:  # noqa: ANN401  # as it is called
        for failure in failures:
            raise failure
        await bind(*arguments)
        bound.set()

    async with running(amqp_url) as worker:
        monkeypatch.setattr(Topology, "bind", fail_once)
        await worker.reload(with_order_paid(account_called(account_name)))
        await asyncio.wait_for(bound.wait(), 10)
        await publish(channel, events_exchange, [PAID])


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
    async with running(amqp_url, patience=Patience(max_age=5.0, alone_for=2.0, tries=4, trying=8.0)):
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
    async with running(amqp_url, patience=Patience(max_age=5.0, alone_for=2.0)) as worker:
        never_take(sandbox, poison)
        await publish(channel, events_exchange, [poison])
        await eventually(lambda: worker._prefetch.careful)  # it shows nowhere else
        await publish(channel, events_exchange, [other])
        await eventually(lambda: wrong_people(sandbox, [other]) == [])


async def test_a_limit_of_channels_never_ends_consuming(
    running: Running,
    amqp_url: str,
    channel: AbstractChannel,
    events_exchange: str,
    sandbox: Sandbox,
    broker_ctl: BrokerControl,
) -> None:
    """Given a user who may open no more channels, what runs goes on, whatever is declared and begun."""
    events = make_events(20, 5, seed=47)
    async with running(amqp_url) as worker:
        shared = worker._shared
        listed = await broker_ctl.rabbitmqctl("list_connections", "channels")
        opened = sum(int(line) for line in listed.split() if line.isdigit())
        await broker_ctl.rabbitmqctl("set_user_limits", "guest", f'{{"max-channels": {opened}}}')
        try:
            with capture_logs() as logs:
                for _ in range(3):
                    await worker.declaring.declare_again(worker.account)
                other = Consumer("other", shared.broker, "here", starting_with(1), Room(), Clock())
                with pytest.raises((BrokerUnavailable, TimeoutError)):
                    async with asyncio.timeout(10):
                        await other.subscribe()
                await publish(channel, events_exchange, events)
                await eventually(lambda: not wrong_people(sandbox, events))
        finally:
            await broker_ctl.rabbitmqctl("clear_user_limits", "guest", "all")
    lost = [line["connection"] for line in logs if line["event"] == "broker_lost"]
    assert [name for name in lost if "asking" not in name] == []
    assert [line for line in logs if line["event"] in {"topology_not_declared", "session_ended"}] == []
