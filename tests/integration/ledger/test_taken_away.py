"""An account that another worker takes, while the node of who had it still answers, as in a partition."""

import secrets
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from sqlalchemy.engine import make_url

from tests.integration.conftest import BrokerControl
from tests.integration.harness import KEY, Worker, World, all_settled, publish, until
from tests.integration.ledger.silent_proxy import SilentProxy
from worker.sandbox import Call, Sandbox

PEOPLE = 100
LATENCY = 0.3


@pytest.fixture
async def other_side(amqp_url: str, broker_ctl: BrokerControl) -> AsyncIterator[str]:
    """A virtual host with the same queues: what the nodes on the other side of a partition give away."""
    name = f"side-{secrets.token_hex(4)}"
    await broker_ctl.rabbitmqctl("add_vhost", name)
    await broker_ctl.rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    yield f"{amqp_url.rstrip('/')}/{name}"
    await broker_ctl.rabbitmqctl("delete_vhost", name)


@pytest.fixture
async def far(postgresql_url: str) -> AsyncIterator[SilentProxy]:
    """The way of the first worker to the ledger, which can fall silent."""
    url = make_url(postgresql_url)
    async with SilentProxy(str(url.host), url.port or 5432) as proxy:
        yield proxy


def by(name: str, sandbox: Sandbox) -> list[Call]:
    """Return the calls of one worker that are more than a look at Kit."""
    return [
        call
        for call in sandbox.journal.calls
        if call.user_agent.endswith(f"({name})") and call.method != "GET"
    ]


def in_between(one: list[Call], two: list[Call]) -> list[tuple[Call, Call]]:
    """Return the calls of either worker that came while one of the other's was under way."""
    return [
        (call, other)
        for call in one
        for other in two
        if call.arrived < (other.ended or other.arrived + LATENCY)
        and other.arrived < (call.ended or call.arrived + LATENCY)
    ]


def events(kind: str, day: int) -> list[dict[str, Any]]:
    """Return one event of that kind for everybody."""
    return [
        {
            "id": f"{kind}-{number}",
            "type": kind,
            "time": f"2026-07-0{day}T00:00:00Z",
            "data": {"user": {"email": f"p{number}@example.com", "id": f"u{number}"}},
        }
        for number in range(PEOPLE)
    ]


@pytest.mark.parametrize("silent", [False, True])
async def test_calls_of_two_workers_never_come_between_each_other(
    world: World,
    amqp_url: str,
    other_side: str,
    sandbox: Sandbox,
    tmp_path: Path,
    postgresql_url: str,
    far: SilentProxy,
    *,
    silent: bool,
) -> None:
    """Given a broker that still answers whoever lost the account, their calls end before the next one's.

    Likewise where the ledger tells them nothing any more; and where they take it back, as RabbitMQ on either
    side says that it is theirs.
    """
    known, started = events("user.signed_up", 1), events("subscription.started", 2)
    canceled = events("subscription.canceled", 3)
    near = make_url(postgresql_url)
    url = near.set(host="127.0.0.1", port=far.port).render_as_string(hide_password=False)
    async with (
        Worker(world, tmp_path / "one", WORKER_ID="one", KIT_CONCURRENCY="2", LEDGER_URL=url) as one,
        Worker(
            world, tmp_path / "two", WORKER_ID="two", AMQP_URL=other_side, LEDGER_URL=postgresql_url
        ) as two,
        await aio_pika.connect(amqp_url) as here,
        await aio_pika.connect(other_side) as there,
    ):
        channel = await here.channel()
        await publish(channel, world.exchange, known)
        await all_settled(one, PEOPLE)
        before = len(by("one", sandbox))
        sandbox.latency = LATENCY
        await publish(channel, world.exchange, started)
        await until(lambda: len(by("one", sandbox)) > before + 5)
        far.silent = silent
        await publish(await there.channel(), world.exchange, [*started, *canceled])
        await until(lambda: len(by("two", sandbox)) > 20)
        await one.stop(signal.SIGKILL)
        await all_settled(two, 2 * PEOPLE)
    assert in_between(by("one", sandbox), by("two", sandbox)) == []
    people = sandbox.account(KEY).subscribers()
    assert {email: set(person.tags) for email, person in people.items()} == {
        f"p{number}@example.com": {"Cancelled"} for number in range(PEOPLE)
    }
