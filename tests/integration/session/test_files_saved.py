"""Files that are saved while sessions come and go, and channels of which there are no more."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aio_pika.abc import AbstractChannel
from structlog.testing import capture_logs

from tests.integration.conftest import BrokerControl
from tests.integration.expected import make_events, wrong_people
from tests.integration.harness import KEY, publish
from tests.integration.session.in_process import Running, account_called, eventually
from worker.accounts.account import Account
from worker.broker.topology import Topology, work_queue
from worker.clock import Clock
from worker.consumer.prefetch import starting_with
from worker.consumer.receive import Consumer
from worker.consumer.room import Room
from worker.errors import BrokerUnavailable
from worker.mapping import EventMapping, Options
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(60)


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
    declare, failures = Topology.declare, iter([BrokerUnavailable("no answer")])
    bound = asyncio.Event()

    async def fail_once(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401  # as it is called
        for failure in failures:
            raise failure
        found = await declare(*arguments, **named)
        bound.set()
        return found

    async with running(amqp_url) as worker:
        monkeypatch.setattr(Topology, "declare", fail_once)
        await worker.reload(with_order_paid(account_called(account_name)))
        await asyncio.wait_for(bound.wait(), 10)
        await publish(channel, events_exchange, [PAID])


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
