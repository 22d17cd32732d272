"""Policies and bindings, as a real RabbitMQ's management API tells of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aio_pika.abc import AbstractChannel

from scripts.machine import free_port
from tests.integration.conftest import BrokerControl
from worker.broker.management import Inspection, Management
from worker.broker.queues import connected
from worker.broker.topology import Topology, work_queue

pytestmark = pytest.mark.timeout(120)

FILE = "F = rabbit_plugins:enabled_plugins_file(), "


@pytest.fixture
async def management(amqp_url: str, broker_ctl: BrokerControl) -> AsyncIterator[Management]:
    """The API, which the tests' broker has only here."""
    port = free_port()
    before = await broker_ctl.rabbitmqctl("eval", f"{FILE} {{ok, Text}} = file:read_file(F), Text.")
    if "management" in before:
        pytest.skip("this broker has the API already, on a port that is not known here: its container's own")
    listener = f'[{{ip, "127.0.0.1"}}, {{port, {port}}}]'
    await broker_ctl.rabbitmqctl(
        "eval",
        f'{FILE} ok = file:write_file(F, "[rabbitmq_management].\\n"), '
        "application:load(rabbitmq_management), "
        f"application:set_env(rabbitmq_management, tcp_config, {listener}), {{ok, _, _}} = "
        "rabbit_plugins:ensure(F).",
    )
    try:
        yield Management(f"http://127.0.0.1:{port}/", amqp_url)
    finally:
        off = f'{FILE} ok = file:write_file(F, "[].\\n"), rabbit_plugins:ensure(F).'
        await broker_ctl.rabbitmqctl("eval", off)


async def test_a_binding_that_is_gone_and_a_policy_are_seen(
    management: Management,
    broker_ctl: BrokerControl,
    channel: AbstractChannel,
    amqp_url: str,
    events_exchange: str,
    account_name: str,
) -> None:
    """Given a queue as it should be, nothing is said; then a binding is swapped, and a policy set."""
    async with connected(amqp_url, "test") as connection:
        await Topology(connection, events_exchange).declare(account_name, {"one", "two"}, ())
    keys = {"one", "two"}
    nothing = Inspection((), frozenset(), frozenset())
    assert await management.inspect(account_name, events_exchange, keys) == nothing

    queue = await channel.get_queue(work_queue(account_name), ensure=False)
    await queue.unbind(events_exchange, "one")
    await queue.bind(events_exchange, "three")
    await broker_ctl.rabbitmqctl(
        "set_policy", "--apply-to", "queues", account_name, f"^kit.{account_name}", '{"message-ttl": 60000}'
    )
    try:
        found = nothing
        async with asyncio.timeout(40):
            while len(found.harms) < 2:  # RabbitMQ tells of a policy some seconds later
                await asyncio.sleep(0.5)
                found = await management.inspect(account_name, events_exchange, keys)
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", account_name)
    assert found.lacking == {"one"}
    assert found.beyond == {"three"}
    assert all(f"({account_name})" in harm and "message-ttl 60000" in harm for harm in found.harms)
