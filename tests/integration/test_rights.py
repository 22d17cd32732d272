"""A worker whose RabbitMQ user has only the rights that docker-compose.yml gives it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused

from tests.integration.harness import BAD, GOOD, Worker, World, all_settled, until
from tests.integration.shell import Shell
from worker.broker.queues import connected
from worker.broker.topology import DEAD_LETTER_EXCHANGE, Topology, work_queue

pytestmark = pytest.mark.timeout(120)

CONFIGURATION = Path(__file__).parents[2] / "config/rabbitmq/rabbitmq.conf"


def pattern(kind: str, exchange: str) -> str:
    """What the user of compose may do, with another name of the events exchange."""
    text = CONFIGURATION.read_text(encoding="utf-8")
    (found,) = re.findall(rf"^default_permissions\.{kind} = (.+)$", text, re.MULTILINE)
    return str(found).replace("$(EVENTS_EXCHANGE)", exchange)


@pytest.fixture
async def url(limited_user: Callable[..., Awaitable[str]], events_exchange: str) -> str:
    """The broker, as that user."""
    return await limited_user(*(pattern(kind, events_exchange) for kind in ("configure", "write", "read")))


async def test_with_the_rights_of_compose_everything_works(
    world: World, url: str, channel: AbstractChannel, tmp_path: Path
) -> None:
    """Given an empty broker, worker and commands declare, watch, apply, dead-letter, replay and delete."""
    world.amqp_url = url
    kit_worker = Shell(world, tmp_path)
    async with Worker(world, tmp_path / "log") as worker:
        published = await kit_worker("publish", "-", stdin=f"{json.dumps(BAD)}\n{json.dumps(GOOD)}\n")
        await all_settled(worker, 2)
        checked = await kit_worker("check")
        replayed = await kit_worker("dead-letters", "replay", "--all")
        await until(lambda: len(outcomes(worker)) == 3)
    renewed = await kit_worker("dead-letters", "renew")
    (world.config / "accounts" / f"{world.account}.yaml").unlink()
    removed = await kit_worker("remove", world.account, "--force")

    ended = [each.code for each in (published, checked, replayed, renewed, removed)]
    assert ended == [0, 5, 0, 0, 0], checked.out + replayed.err + renewed.err
    assert "WRONG" not in checked.out
    assert "1 wait for a person" in checked.out
    assert sorted(outcomes(worker)) == ["event_applied", "event_dead_lettered", "event_dead_lettered"]
    assert not await is_there(channel, work_queue(world.account))


def outcomes(worker: Worker) -> list[str]:
    return [line["event"] for line in worker.log_lines() if line.get("event_id") in {"good", "bad"}]


async def test_a_loss_is_noticed_with_the_rights_of_compose(
    url: str, events_exchange: str, account_name: str
) -> None:
    """Given an empty broker, both exchanges get their sentinel, for which one has to write to them."""
    async with connected(url, "test") as connection:
        found = await Topology(connection, events_exchange).declare(account_name, {"user.signed_up"}, ())

    assert found.guarded == {events_exchange, DEAD_LETTER_EXCHANGE}


async def test_nothing_of_others_is_allowed(url: str, channel: AbstractChannel) -> None:
    """Given others' queues and exchanges, the worker's user reads, writes and declares none of them."""
    theirs = await channel.declare_queue("test.others", auto_delete=True)
    async with await aio_pika.connect(url, timeout=10) as connection:
        for attempt in (
            lambda mine: mine.declare_queue("test.mine", auto_delete=True),
            lambda mine: mine.declare_exchange("test.mine", "topic", auto_delete=True),
            lambda mine: mine.queue_delete("test.others"),
            lambda mine: consumed(mine, "test.others"),
            lambda mine: bound(mine, "test.others", "amq.topic"),
        ):
            with pytest.raises(ChannelAccessRefused):
                await attempt(await connection.channel())
    await theirs.delete()


async def consumed(channel: AbstractChannel, queue: str) -> None:
    async def nothing(_: object) -> None:
        """Never called."""

    await (await channel.get_queue(queue, ensure=False)).consume(nothing)


async def bound(channel: AbstractChannel, queue: str, exchange: str) -> None:
    await (await channel.get_queue(queue, ensure=False)).bind(exchange, "any")


async def is_there(channel: AbstractChannel, queue: str) -> bool:
    try:
        await channel.declare_queue(queue, passive=True)
    except aio_pika.exceptions.ChannelNotFoundEntity:
        return False
    return True
