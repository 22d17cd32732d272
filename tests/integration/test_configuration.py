"""Account files, and what lies around them, while a worker runs and between two runs; real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, all_settled, publish, until
from tests.integration.test_operation import started
from worker.sandbox import Sandbox

pytestmark = pytest.mark.timeout(120)

OTHER_KEY = "kit_another0123456789"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits that knows two keys."""
    keys = {KEY: "Sunny Kitchen", OTHER_KEY: "Rainy Garden"}
    async with Sandbox(keys=keys, limit=False).running() as sandbox:
        yield sandbox


def tags(sandbox: Sandbox, email: str, key: str = KEY) -> set[str]:
    person = sandbox.account(key).find(email)
    return set() if person is None else set(person.tags)


async def test_an_environment_that_becomes_unreadable_ends_no_worker(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a .env that is no UTF-8 any more, then a saved file is in force, and the fault is named."""
    env_file = tmp_path / ".env"
    env_file.write_text("KIT_UNUSED=1\n")
    async with Worker(world, tmp_path / "log") as worker:
        env_file.write_bytes(b"KIT_UNUSED=caf\xe9\n")
        world.write_account("events: {subscription.started: {add_tags: [Member]}}\n")
        await until(lambda: "config_reloaded" in worker.events_logged())
        await publish(channel, world.exchange, [started("a@example.com")])
        await all_settled(worker, 1)
        told = [line for line in worker.log_lines() if line["event"] == "config_invalid"]
        assert worker.process.returncode is None
    assert {line["where"] for line in told} == {".env:1:15"}
    assert tags(sandbox, "a@example.com") == {"Member"}


async def test_who_had_an_app_keeps_it_over_a_restart(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path
) -> None:
    """Given a second file that claims the same, and comes first by name, the first one's edits count."""
    async with Worker(world, tmp_path / "log") as worker:
        await publish(channel, world.exchange, [started("a@example.com")])
        await all_settled(worker, 1)
        await worker.stop()
        world.environ["KIT_OTHER_KEY"] = OTHER_KEY
        (world.config / "accounts" / "0.yaml").write_text("kit: {api_key_env: KIT_OTHER_KEY}\n")
        await worker.start()
        world.write_account("events: {subscription.started: {add_tags: [Member]}}\n")
        await until(lambda: "config_reloaded" in worker.events_logged())
        await publish(channel, world.exchange, [started("b@example.com")])
        await all_settled(worker, 2)
        told = [line for line in worker.log_lines() if line["event"] == "config_invalid"]
    assert {Path(line["where"].partition(":")[0]).name for line in told} == {"0.yaml"}
    assert tags(sandbox, "b@example.com") == {"Member"}
    assert tags(sandbox, "b@example.com", OTHER_KEY) == set()
