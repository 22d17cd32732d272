"""scripts/with-broker as a person uses it: a private node, its end, and what it can do."""

import asyncio
import signal

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.conftest import BrokerControl
from tests.integration.scripts.supervised import ended, nothing_is_left


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_node_ends_with_it_however_it_ends(ending: signal.Signals) -> None:
    """Given a command under way, when with-broker is told to end or is killed, then no node is left."""
    nothing_is_left("with-broker", "BROKER_CONTROL", "beam.smp", ending)


def test_a_broker_that_does_not_answer_is_named_without_its_password() -> None:
    """Given AMQP_URL of a broker that is down, it says so in one sentence and exits 4."""
    code, _, said = ended("with-broker", "true", AMQP_URL="amqp://me:secret@127.0.0.1:1/")
    assert code == 4
    assert "amqp://me:***@127.0.0.1:1/" in said
    assert "no RabbitMQ answers there" in said
    assert "secret" not in said


def test_a_container_that_is_asked_for_is_not_replaced_by_something_else() -> None:
    """Given --docker where no engine answers, it says so and exits 4, though there are other brokers."""
    code, _, said = ended("with-broker", "--docker", "true", DOCKER_HOST="unix:///nowhere/docker.sock")
    assert code == 4
    assert "no Docker engine answers" in said


async def test_a_killed_node_comes_back_with_what_it_held(
    broker_ctl: BrokerControl, amqp_url: str, channel: AbstractChannel, account_name: str
) -> None:
    """Given a durable message, when the node is killed and started, then the message is still there."""
    await channel.declare_queue(f"kit.{account_name}", durable=True, arguments={"x-queue-type": "quorum"})
    await channel.default_exchange.publish(aio_pika.Message(b"kept"), f"kit.{account_name}")

    await broker_ctl.kill()
    await broker_ctl.start()

    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        queue = await (await connection.channel()).get_queue(f"kit.{account_name}")
        message = await queue.get(timeout=10)
        await message.ack()
    assert message.body == b"kept"


async def test_the_broker_dead_letters_at_least_once(channel: AbstractChannel, account_name: str) -> None:
    """Given a work queue as the worker declares it, a rejected message reaches its dead-letter queue."""
    exchange = await channel.declare_exchange("kit.dead", "direct", durable=True)
    dead = await channel.declare_queue(
        f"kit.{account_name}.dead",
        durable=True,
        arguments={"x-queue-type": "quorum", "x-delivery-limit": 1_000_000},
    )
    await dead.bind(exchange, account_name)
    work = await channel.declare_queue(
        f"kit.{account_name}",
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-single-active-consumer": True,
            "x-delivery-limit": 100,
            "x-dead-letter-exchange": "kit.dead",
            "x-dead-letter-routing-key": account_name,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    await channel.default_exchange.publish(aio_pika.Message(b"bad"), work.name)

    async with work.iterator() as messages:
        await (await anext(messages)).reject(requeue=False)
    async with asyncio.timeout(10), dead.iterator() as messages:
        letter = await anext(messages)
        await letter.ack()

    assert letter.body == b"bad"
    assert letter.headers["x-first-death-reason"] == "rejected"
