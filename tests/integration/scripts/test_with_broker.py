"""scripts/with-broker as a person uses it: a private node, its end, and what it can do."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from scripts.broker.probe import accepts, greets, wait_until
from tests.integration.conftest import BrokerControl

WITH_BROKER = Path(__file__).parents[3] / "scripts" / "with-broker"
SHOW_PORT_AND_WAIT = (
    "import os, signal; print(os.environ['AMQP_URL'].split(':')[-1].strip('/'), flush=True); signal.pause()"
)


@contextmanager
def with_broker(*command: str, amqp_url: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start with-broker as from a shell in which no other broker is known than the given one."""
    unknown = {"AMQP_URL", "BROKER_CTL", "BROKER_STATE"}
    environment = {name: value for name, value in os.environ.items() if name not in unknown}
    if amqp_url:
        environment["AMQP_URL"] = amqp_url
    pipe = subprocess.PIPE
    running = subprocess.Popen(  # noqa: S603  our own script
        [str(WITH_BROKER), *command], env=environment, stdout=pipe, stderr=pipe, text=True
    )
    try:
        yield running
    finally:
        running.terminate()
        running.communicate(timeout=30)


def processes_of(node: str) -> list[str]:
    """Return the names of all running processes that were started in a node's environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or is not ours to look at
            if f"RABBITMQ_NODENAME={node}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "comm").read_text().strip())
    return found


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_node_ends_with_it_however_it_ends(ending: signal.Signals) -> None:
    """Given a command under way, when with-broker is told to end or is killed, then no node is left."""
    with with_broker(sys.executable, "-c", SHOW_PORT_AND_WAIT) as running:
        assert running.stdout is not None
        port = int(running.stdout.readline())
        node = f"kit-worker-{port}@localhost"
        assert greets("127.0.0.1", port)
        assert {"beam.smp", "epmd"} <= set(processes_of(node))

        running.send_signal(ending)
        running.communicate(timeout=30)

        assert running.returncode != 0
        assert wait_until(lambda: not processes_of(node), seconds=5)
        assert not accepts("127.0.0.1", port)


def test_it_exits_as_the_command_did() -> None:
    """Given a command that fails, its exit code comes through."""
    with with_broker("sh", "-c", "exit 7") as running:
        running.communicate(timeout=60)
    assert running.returncode == 7


def test_a_broker_that_does_not_answer_is_named_without_its_password() -> None:
    """Given AMQP_URL of a broker that is down, it says so in one sentence and exits 4."""
    with with_broker("true", amqp_url="amqp://me:secret@127.0.0.1:1/") as running:
        _, said = running.communicate(timeout=30)
    assert running.returncode == 4
    assert "amqp://me:***@127.0.0.1:1/" in said
    assert "no RabbitMQ answers there" in said
    assert "secret" not in said


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
