"""`check` tries what the worker will need, and changes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from pydantic import SecretStr

from tests.integration.conftest import BrokerControl
from tests.integration.harness import World
from tests.integration.shell import Shell
from worker.broker.queues import connected
from worker.broker.topology import DEAD_LETTER_EXCHANGE, Topology, dead_letter_queue, work_queue
from worker.ops.check_broker import check_broker
from worker.ops.findings import Finding, Weight
from worker.settings import Settings

pytestmark = pytest.mark.timeout(120)

SHIFTED_CLOCK = str(Path(__file__).parents[1] / "shifted_clock")


async def declared(amqp_url: str, exchange: str, account: str) -> None:
    """Declare all that a worker declares."""
    async with connected(amqp_url, "test") as connection:
        await Topology(connection, exchange).declare(account, ["user.signed_up"], [])


async def found(amqp_url: str, exchange: str, account: str) -> list[Finding]:
    settings = Settings(amqp_url=SecretStr(amqp_url), events_exchange=exchange)
    report = await check_broker(settings, [account])
    assert report.problem == ""
    return list(report.findings)


# -- what needs a person ----------------------------------------------------------------------------------


async def test_check_ends_with_5_where_it_works_and_needs_a_person(
    world: World, kit_worker: Shell, channel: AbstractChannel
) -> None:
    """Given dead letters, and events that no worker takes, all of it is listed; given none, all is well."""
    await declared(world.amqp_url, world.exchange, world.account)
    good = await kit_worker("check")
    for queue, count in ((work_queue(world.account), 3), (dead_letter_queue(world.account), 2)):
        for _ in range(count):
            await channel.default_exchange.publish(aio_pika.Message(b"{}"), queue)

    needy = await kit_worker("check")

    assert (good.code, good.out.splitlines()[-1]) == (0, "All is well.")
    assert needy.code == 5
    assert needy.out.splitlines()[-1] == "It works, but something needs a person: see LOOK above."
    letters, events = (
        next(line for line in needy.out.splitlines() if line.startswith(f"{what} of {world.account}"))
        for what in ("dead letters", "events")
    )
    assert "  LOOK  " in letters
    assert f"  2 wait for a person: kit-worker dead-letters list --account {world.account}" in letters
    assert "  LOOK  " in events
    assert "  3 wait, and no worker takes them" in events


@pytest.mark.parametrize(("shift", "said"), [(600, "10 min ahead of"), (-600, "10 min behind"), (60, "")])
async def test_check_says_that_this_machines_clock_is_wrong(
    kit_worker: Shell, tmp_path: Path, shift: int, said: str
) -> None:
    """Given a clock that is ten minutes off, by Kit's, it needs a person; a minute is nothing."""
    file = tmp_path / "shift"
    file.write_text(str(shift), encoding="utf-8")
    shifted = {"PYTHONPATH": SHIFTED_CLOCK, "CLOCK_SHIFT": str(file)}

    shown, told = await asyncio.gather(
        kit_worker("check", **shifted), kit_worker("check", "--json", **shifted)
    )

    assert shown.code == told.code == (5 if said else 0)
    (row,) = (line for line in shown.out.splitlines() if line.startswith("clock "))
    clock = json.loads(told.out)["clock"]
    if said:
        assert "  LOOK  " in row
        assert f"this machine's clock is wrong, {said} that of Kit: set it" in clock["problem"]
        assert clock["agrees_with"] == []
    else:
        assert "agrees with that of Kit" in row
        assert clock == {"problem": "", "agrees_with": ["Kit"]}


# -- rights -----------------------------------------------------------------------------------------------


ALL = ".*"


@pytest.mark.parametrize("exists", [True, False], ids=["declared", "not declared"])
@pytest.mark.parametrize(
    ("patterns", "lacking"),
    [
        ((ALL, ALL, ALL), []),
        (("^$", ALL, ALL), ["configure kit.A", "configure kit.A.dead", "configure kit.dead"]),
        (
            (ALL, "^$", ALL),
            ["write kit.A and read E", "write kit.A.dead and read kit.dead", "write kit.dead"],
        ),
        ((ALL, r"^(?!kit\.dead$)", ALL), ["write kit.dead"]),
        ((ALL, ALL, r"^kit\."), ["write kit.A and read E"]),
        ((ALL, ALL, r"^(?!kit\.account-\w+$)"), ["read kit.A"]),
        (("^$", "^$", "^$"), ["read kit.A", "read kit.A.dead"]),
    ],
)
async def test_rights_that_a_worker_will_need_are_named_and_nothing_is_changed(
    amqp_url: str,
    events_exchange: str,
    account_name: str,
    limited_user: Callable[..., AsyncIterator[str]],
    broker_ctl: BrokerControl,
    patterns: tuple[str, str, str],
    lacking: list[str],
    exists: bool,
) -> None:
    if exists:
        await declared(amqp_url, events_exchange, account_name)
    before = await all_there_is(broker_ctl)
    url: str = await limited_user(*patterns)  # type: ignore[misc]

    findings = await found(url, events_exchange, account_name)

    said = "\n".join(each.text.replace(account_name, "A").replace(events_exchange, "E") for each in findings)
    assert all(each.weight is Weight.WRONG and each.what == "rights" for each in findings)
    for right in lacking:
        assert f"the user of AMQP_URL may not {right}: grant it" in said
    if "^$" not in patterns:
        assert len(findings) == len(lacking)
    assert await all_there_is(broker_ctl) == before


async def all_there_is(broker_ctl: BrokerControl) -> set[str]:
    """Everything in the broker that somebody might have changed."""
    listed = await asyncio.gather(
        broker_ctl.rabbitmqctl("list_queues", "name", "messages", "consumers"),
        broker_ctl.rabbitmqctl("list_exchanges", "name", "type"),
        broker_ctl.rabbitmqctl("list_bindings", "source_name", "destination_name", "routing_key"),
    )
    return {line for text in listed for line in text.splitlines()}


async def test_what_the_user_may_not_do_is_wrong_for_the_command(
    world: World, kit_worker: Shell, limited_user: Callable[..., AsyncIterator[str]]
) -> None:
    url: str = await limited_user("^$", "^$", "^$")  # type: ignore[misc]

    ended = await kit_worker("check", AMQP_URL=url)

    assert ended.code == 2
    assert f"may not configure kit.{world.account}: grant it with rabbitmqctl set_permissions" in ended.out
    assert ended.out.splitlines()[-1] == "Something must be put right first; see WRONG above."


# -- types of exchanges -----------------------------------------------------------------------------------


async def test_an_events_exchange_of_another_type_is_wrong(
    amqp_url: str, events_exchange: str, account_name: str, channel: AbstractChannel
) -> None:
    """Given a fanout exchange, which would bring every event to every account, check says so."""
    await channel.declare_exchange(events_exchange, "fanout", durable=True)

    (finding,) = await found(amqp_url, events_exchange, account_name)

    assert finding.what == f"exchange {events_exchange}"
    assert finding.weight is Weight.WRONG
    assert finding.text.startswith("it is of type fanout, and has to be topic")


async def test_an_alternate_exchange_of_the_platforms_own_is_no_fault(
    amqp_url: str, events_exchange: str, account_name: str, channel: AbstractChannel
) -> None:
    await channel.declare_exchange(
        events_exchange, "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"}
    )

    assert await found(amqp_url, events_exchange, account_name) == []


async def test_a_dead_letter_exchange_of_another_type_is_wrong(
    amqp_url: str, events_exchange: str, account_name: str, channel: AbstractChannel
) -> None:
    await channel.exchange_delete(DEAD_LETTER_EXCHANGE)
    await channel.declare_exchange(DEAD_LETTER_EXCHANGE, "fanout", durable=True)
    try:
        (finding,) = await found(amqp_url, events_exchange, account_name)
    finally:
        await channel.exchange_delete(DEAD_LETTER_EXCHANGE)

    assert finding.text.startswith("it is of type fanout, and has to be direct")
