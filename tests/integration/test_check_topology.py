"""What `check` says of bindings, exchanges and policies that are not as they should be."""

from __future__ import annotations

import pytest
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from worker.accounts.account import Account
from worker.broker.management import Inspection
from worker.broker.queues import connected
from worker.broker.topology import Topology, dead_letter_queue
from worker.errors import BrokerUnavailable
from worker.mapping import EventMapping
from worker.ops.check_topology import check_topology
from worker.ops.findings import Weight
from worker.settings import Settings

pytestmark = pytest.mark.timeout(60)


class Api:
    """RabbitMQ's management API."""

    def __init__(self, answer: Inspection | BrokerUnavailable) -> None:
        self.answer = answer

    async def inspect(self, *_: object) -> Inspection:
        if isinstance(self.answer, BrokerUnavailable):
            raise self.answer
        return self.answer


class World:
    """One account, whose queues are declared."""

    def __init__(self, amqp_url: str, exchange: str, account: str) -> None:
        self.settings = Settings(amqp_url=SecretStr(amqp_url), events_exchange=exchange)
        self.account = Account(account, events={"order.paid": EventMapping()})

    async def declare(self) -> None:
        async with connected(self.settings.amqp_url.get_secret_value(), "test") as connection:
            topology = Topology(connection, self.settings.events_exchange)
            await topology.declare(self.account.name, ["order.paid"], [])

    async def found(self) -> list[tuple[str, Weight]]:
        return [(each.text, each.weight) for each in await check_topology(self.settings, [self.account])]


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str) -> World:
    return World(amqp_url, events_exchange, account_name)


async def test_nothing_is_said_before_a_worker_ran_and_while_all_is_well(world: World) -> None:
    assert await world.found() == []
    await world.declare()
    assert await world.found() == []


async def test_what_is_gone_needs_a_person(world: World, channel: AbstractChannel) -> None:
    await world.declare()
    await channel.queue_delete(dead_letter_queue(world.account.name))
    ((text, weight),) = await world.found()
    assert text.startswith(f"{dead_letter_queue(world.account.name)} is gone")
    assert weight is Weight.LOOK


async def test_an_exchange_that_was_declared_anew_is_noted(world: World, channel: AbstractChannel) -> None:
    await world.declare()
    await channel.exchange_delete(world.settings.events_exchange)
    await channel.declare_exchange(world.settings.events_exchange, "topic", durable=True)
    ((text, weight),) = await world.found()
    assert text.startswith(f"{world.settings.events_exchange} was deleted and declared anew")
    assert weight is Weight.NOTE


async def test_what_the_management_api_tells_needs_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.declare()
    api = Api(Inspection(("a policy",), frozenset({"order.paid"}), frozenset({"order.paid.other"})))
    monkeypatch.setattr("worker.ops.check_topology.management_at", lambda *_: api)
    found = await world.found()
    assert [text.partition(":")[0] for text, _ in found] == [
        "a policy",
        "not bound by order.paid",
        "bound by order.paid.other too, which its file does not name",
    ]
    assert {weight for _, weight in found} == {Weight.LOOK}
    api.answer = BrokerUnavailable("the API is away")
    assert await world.found() == [("the API is away", Weight.LOOK)]
