"""What the tests in this folder do with a real RabbitMQ.

Each leaves the broker as it was: accounts and the events exchange have names that no other test has, and
their queues are deleted afterwards.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from scripts.machine import free_port
from tests.conftest import HOW_TO_RUN
from tests.integration.harness import KEY, World
from tests.integration.shell import Shell
from worker.sandbox import Sandbox


@pytest.fixture
async def channel(amqp_url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of the test's own, with publisher confirms, to publish and to look."""
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        yield await connection.channel()


@pytest.fixture
async def events_exchange(amqp_url: str) -> AsyncIterator[str]:
    """A name for EVENTS_EXCHANGE that no other test has; the exchange is deleted afterwards."""
    name = f"platform.events.{secrets.token_hex(4)}"
    yield name
    await _delete(amqp_url, queues=[], exchanges=[name])


@pytest.fixture
async def new_account_name(amqp_url: str) -> AsyncIterator[Callable[[], str]]:
    """Call it for one account name after another; their queues are deleted afterwards."""
    names: list[str] = []

    def new() -> str:
        names.append(f"account-{secrets.token_hex(4)}")
        return names[-1]

    yield new
    await _delete(
        amqp_url, queues=[f"kit.{name}{end}" for name in names for end in ("", ".dead")], exchanges=[]
    )


@pytest.fixture
def account_name(new_account_name: Callable[[], str]) -> str:
    """One account name that no other test has."""
    return new_account_name()


class BrokerControl:
    """Faults of the broker, on purpose."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._up = True

    async def kill(self) -> None:
        """Kill the node, as a power cut would."""
        self._up = False
        await self._run("kill")

    async def start(self) -> None:
        """Start the killed node, and return when it takes connections."""
        await self._run("start")
        self._up = True

    async def stop_app(self) -> None:
        """Stop RabbitMQ in good order; the node itself goes on."""
        self._up = False
        await self.rabbitmqctl("stop_app")

    async def start_app(self) -> None:
        """Undo `stop_app`."""
        await self.rabbitmqctl("start_app")
        await self.start()

    async def mend(self) -> None:
        """Let it run again, whatever was done to it."""
        if not self._up:
            await self._run("kill")
            await self.start()

    async def rabbitmqctl(self, *arguments: str) -> str:
        """Run a rabbitmqctl command on the node and return what it prints."""
        return await self._run("rabbitmqctl", "--silent", *arguments)

    async def set_environment(self, name: str, value: str) -> str:
        """Set one of RabbitMQ's own parameters, for what begins from now on; returns what it was.

        A restart forgets it.
        """
        before = await self.rabbitmqctl(
            "eval", f"{{ok, Value}} = application:get_env(rabbit, {name}), Value."
        )
        await self.rabbitmqctl("eval", f"application:set_env(rabbit, {name}, {value}).")
        return before.strip()

    async def _run(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            self._program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, f"broker-ctl {' '.join(arguments)}: {errors.decode()}"
        return output.decode()


@pytest.fixture
async def broker_ctl(amqp_url: str) -> AsyncIterator[BrokerControl]:  # noqa: ARG001  without it, fail
    """The means to stop and start the broker, which runs again after the test.

    A broker that was given by AMQP_URL is somebody's: nobody stops it for a test. Such a test is skipped
    there, with this reason, but never in CI.
    """
    program = os.environ.get("BROKER_CTL")
    if not program:
        reason = f"AMQP_URL names a broker that is not the tests' own to stop; unset it and use {HOW_TO_RUN}."
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    control = BrokerControl(program)
    yield control
    await control.mend()


@pytest.fixture
async def limited_user(amqp_url: str, broker_ctl: BrokerControl) -> AsyncIterator[Callable[..., object]]:
    """Call it with patterns of configure, write and read for the URL of a user who may do only that."""
    name = f"user-{secrets.token_hex(4)}"
    await broker_ctl.rabbitmqctl("add_user", name, "secret")

    async def limited(configure: str, write: str, read: str) -> str:
        await broker_ctl.rabbitmqctl("set_permissions", name, configure, write, read)
        return amqp_url.replace("guest:guest", f"{name}:secret")

    yield limited
    await broker_ctl.rabbitmqctl("delete_user", name)


async def _delete(amqp_url: str, queues: list[str], exchanges: list[str]) -> None:
    async with await aio_pika.connect(amqp_url, timeout=10) as connection:
        channel = await connection.channel()
        for queue in queues:
            await channel.queue_delete(queue)
        for exchange in exchanges:
            await channel.exchange_delete(exchange)


@pytest.fixture
def http_port() -> int:
    """A port for a worker's HTTP that nothing else uses."""
    return free_port()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits; a module that needs another one has a `sandbox` of its own."""
    async with Sandbox(keys={KEY: "Sunny Kitchen"}, limit=False).running() as running:
        yield running


@pytest.fixture
def world(amqp_url: str, events_exchange: str, account_name: str, tmp_path: Path, sandbox: Sandbox) -> World:
    """One account with the default mapping."""
    world = World(amqp_url, events_exchange, account_name, tmp_path / "config", sandbox.url)
    world.write_account()
    return world


@pytest.fixture
def kit_worker(world: World, tmp_path: Path) -> Shell:
    """The command line, with that account's settings."""
    return Shell(world, tmp_path)
