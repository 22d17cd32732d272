"""The right values: what people mean by lists of events, whatever their order and however often each comes.

Each case is published in every order or many, all at once and one after another, and each event thrice, about
other people each time; through a real worker, a real RabbitMQ and single calls or bulk calls.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.harness import KEY, Worker, World, all_settled, publish, until
from tests.integration.right.case import happened, paid
from tests.integration.right.identity import IDENTITY
from tests.integration.right.later import AHEAD, LATER
from tests.integration.right.lifecycle import LIFECYCLE
from tests.integration.right.run import Run, plain
from tests.integration.right.saying import SAYING
from tests.integration.shell import Shell
from worker.sandbox import Sandbox

BUYING: Final = """
events:
  order.paid: {{add_tags: [Buyer, "{tag}"]}}
  order.refunded: {{remove_tags: [Buyer]}}
"""
LATE: Final = 10.0
"""Seconds after its moment until which something may take effect; the contract says 5, on an idle machine."""


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A Kit without limits that takes any key."""
    async with Sandbox(limit=False).running() as sandbox:
        yield sandbox


@pytest.fixture(params=["single calls", "bulk calls"])
def calls(request: pytest.FixtureRequest) -> str:
    """How changes are written."""
    return str(request.param)


@pytest.fixture
def run(calls: str, world: World, sandbox: Sandbox, new_account_name: Callable[[], str]) -> Run:
    """No cases yet."""
    return Run(world, sandbox, new_account_name, bulk=calls == "bulk calls")


def tell(found: Mapping[str, list[str]]) -> None:
    """Fail for what is wrong, in a line for each case."""
    if lines := [f"{name}: {len(each)}, {each[0]}" for name, each in found.items()]:
        pytest.fail("\n".join(lines), pytrace=False)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("kills", [False, True], ids=["", "killed"])
async def test_everybody_has_what_they_should(
    run: Run,
    world: World,
    channel: AbstractChannel,
    tmp_path: Path,
    http_port: int,
    *,
    kills: bool,
) -> None:
    """Given all cases in all ways, everybody ends right, also with a worker that is killed on the way."""
    run.add([*IDENTITY, *LIFECYCLE, *SAYING])
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        await run.subscribed(worker)
        for number, wave in enumerate(run.waves()):
            await run.publish(channel, wave)
            if kills and number < 3:
                seen = len(worker.log_lines())
                await until(lambda: "event_applied" in worker.events_logged(seen))  # noqa: B023
                await worker.stop(signal.SIGKILL)
                await worker.start()
            await run.settled(worker, http_port)
        found = await run.wrong(lambda case: case.right, killed=kills)

    tell(found)


@pytest.mark.timeout(300)
async def test_what_lies_ahead_comes_at_its_time(
    run: Run, world: World, channel: AbstractChannel, tmp_path: Path, http_port: int
) -> None:
    """Given ends that lie ahead, nothing of them is there before; all of it is then, and stays."""
    run.add(LATER)
    async with Worker(world, tmp_path / "log", HTTP_PORT=str(http_port)) as worker:
        await run.subscribed(worker)
        then = run.begin() + timedelta(seconds=AHEAD)
        await run.publish(channel, [sent for wave in run.waves() for sent in wave])
        await run.settled(worker, http_port)
        early = await run.wrong(lambda case: case.before)
        assert datetime.now(UTC) < then, "the machine is too slow for what is to be seen before"
        await asyncio.sleep((then - datetime.now(UTC)).total_seconds() + LATE)
        await run.settled(worker, http_port)
        late = await run.wrong(lambda case: case.right)

    tell({name: early.get(name, []) + late.get(name, []) for name in early.keys() | late.keys()})


async def test_what_is_owed_comes_by_a_replay_and_undoes_nothing_newer(
    world: World, channel: AbstractChannel, sandbox: Sandbox, tmp_path: Path, kit_worker: Shell
) -> None:
    """Given a tag that could not be named, a mended file and a replay give it, and that alone."""
    world.write_account(BUYING.format(tag="Bought {data.order.product}"))
    async with Worker(world, tmp_path / "log") as worker:
        events = [paid(1, "ada"), happened("order.refunded", 2, "ada"), paid(3, "bob")]
        await publish(channel, world.exchange, map(plain, events))
        await all_settled(worker, 3)
        before = {email: person.tags for email, person in sandbox.account(KEY).subscribers().items()}
        world.write_account(BUYING.format(tag="Bought something"))
        await until(lambda: "config_reloaded" in worker.events_logged())
        seen = len(worker.log_lines())
        replayed = await kit_worker("dead-letters", "replay", "--all")
        await until(lambda: worker.events_logged(seen).count("event_applied") == 2)
        after = {email: person.tags for email, person in sandbox.account(KEY).subscribers().items()}
    buyer = sandbox.account(KEY).tags()["Buyer"]
    put_on = [call for call in sandbox.calls(KEY) if call.path.startswith(f"/v4/tags/{buyer}/")]

    assert before == {"ada@example.com": frozenset(), "bob@example.com": {"Buyer"}}
    assert "2 dead letters (partly_applied) replayed" in replayed.out
    assert after == {
        "ada@example.com": {"Bought something"},
        "bob@example.com": {"Buyer", "Bought something"},
    }
    assert len({call.path for call in put_on}) == len(put_on), "one person was tagged twice"
