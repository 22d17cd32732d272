"""What is declared on a real RabbitMQ, and what is said of what is there already."""

import asyncio
from collections.abc import AsyncIterator

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, HeadersType
from aio_pika.exceptions import DeliveryError
from aiormq import spec
from yarl import URL

from tests.integration.conftest import BrokerControl
from worker.broker.few_channels import FewChannels
from worker.broker.publisher import Publisher
from worker.broker.queues import connected
from worker.broker.topology import (
    DEAD_LETTER_EXCHANGE,
    EARLIER_DEAD_LETTER_QUEUE,
    Found,
    Topology,
    dead_letter_queue,
    work_queue,
)
from worker.dead_letters.operations import whole_letters
from worker.dead_letters.renewing import renew
from worker.dead_letters.selection import Selection
from worker.errors import TopologyMismatch

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def topology(amqp_url: str, events_exchange: str) -> AsyncIterator[Topology]:
    async with connected(amqp_url, "test") as connection:
        yield Topology(connection, events_exchange)


async def reaching(channel: AbstractChannel, exchange: str, *keys: str) -> set[str]:
    """Return those keys under which an event reaches some queue."""
    target = await channel.get_exchange(exchange)
    answers = await asyncio.gather(*(target.publish(aio_pika.Message(b"{}"), key) for key in keys))
    return {key for key, answer in zip(keys, answers, strict=True) if isinstance(answer, spec.Basic.Ack)}


async def test_a_queue_is_bound_by_what_its_account_maps_and_no_more(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    """Given a mapping that changes, events of a type that it no longer names reach the queue no more."""
    await topology.declare(account_name, {"one", "two"}, {"three"})
    assert await reaching(channel, events_exchange, "one", "two", "three") == {"one", "two"}
    await topology.declare(account_name, {"two", "three"}, {"one", "never.bound"})
    assert await reaching(channel, events_exchange, "one", "two", "three") == {"two", "three"}
    await topology.declare(account_name, {"one"}, {"two", "three"})
    assert await reaching(channel, events_exchange, "one", "two", "three") == {"one"}
    assert await topology.depth(work_queue(account_name)) == 5
    assert await topology.consumers(account_name) == 0


async def test_a_dead_letter_reaches_its_queue(
    topology: Topology, channel: AbstractChannel, account_name: str
) -> None:
    await topology.declare_dead_letters(account_name)
    assert await reaching(channel, "kit.dead", account_name, "nobody") == {account_name}
    assert await topology.depth(dead_letter_queue(account_name)) == 1


async def test_what_is_there_with_other_arguments_is_named(
    topology: Topology, channel: AbstractChannel, account_name: str
) -> None:
    await channel.declare_queue(work_queue(account_name), durable=True)
    with pytest.raises(TopologyMismatch, match=r"inequivalent arg .* delete it in RabbitMQ"):
        await topology.declare(account_name, (), ())


async def test_an_events_exchange_of_the_platforms_own_is_taken_as_it_is(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    """Given an exchange with an alternate one, declaring it again without would be refused."""
    await channel.declare_exchange(
        events_exchange, "topic", durable=True, arguments={"alternate-exchange": "amq.fanout"}
    )
    await topology.declare(account_name, {"one"}, ())
    assert await reaching(channel, events_exchange, "one") == {"one"}


async def test_a_queue_that_is_not_there_has_no_depth(topology: Topology, account_name: str) -> None:
    assert await topology.depth(work_queue(account_name)) is None
    assert await topology.consumers(account_name) == 0


async def test_an_exchange_that_was_deleted_and_declared_anew_is_noticed(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    """Given an exchange that is there, and whose bindings are gone, its sentinel has gone with them."""
    both = frozenset({events_exchange, DEAD_LETTER_EXCHANGE})
    first = await topology.declare(account_name, {"one"}, ())
    assert (set(first.missing) >= {events_exchange, work_queue(account_name)}, first.guarded) == (True, both)
    assert await topology.declare(account_name, {"one"}, ()) == Found(guarded=both)

    await channel.exchange_delete(events_exchange)
    await channel.declare_exchange(events_exchange, "topic", durable=True)
    assert await reaching(channel, events_exchange, "one") == set()
    assert await topology.look(account_name) == Found(unguarded=frozenset({events_exchange}))
    found = await topology.declare(account_name, {"one"}, ())
    assert found == Found(unguarded=frozenset({events_exchange}), guarded=both)
    assert await reaching(channel, events_exchange, "one") == {"one"}
    assert await topology.declare(account_name, {"one"}, ()) == Found(guarded=both)


async def test_one_that_is_new_is_declared_like_any_other(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    """Given an account of which nothing is there, or all, it is declared, and nothing counts as missing."""
    both = frozenset({events_exchange, DEAD_LETTER_EXCHANGE})
    for _ in range(2):
        found = await topology.declare(account_name, {"one"}, {"two"}, is_new=True)
        assert found == Found(guarded=both)
        assert await reaching(channel, events_exchange, "one", "two") == {"one"}
    assert await reaching(channel, DEAD_LETTER_EXCHANGE, account_name) == {account_name}
    assert await topology.look(account_name) == Found()


async def test_queues_and_exchanges_that_are_gone_are_named(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    await topology.declare(account_name, {"one"}, ())
    await channel.exchange_delete(events_exchange)
    await channel.queue_delete(dead_letter_queue(account_name))
    found = await topology.declare(account_name, {"one"}, ())
    assert found.missing == (events_exchange, dead_letter_queue(account_name))


async def test_without_the_right_to_write_to_the_events_exchange_there_is_no_sentinel(
    topology: Topology, amqp_url: str, broker_ctl: BrokerControl, account_name: str, events_exchange: str
) -> None:
    """Given a user who may only read the platform's exchange, all is declared, and nobody guards it."""
    await topology.declare(account_name, (), ())  # the exchange is there
    user = f"user-{account_name}"
    await broker_ctl.rabbitmqctl("add_user", user, "secret")
    try:
        await broker_ctl.rabbitmqctl("set_permissions", user, r"^kit\.", r"^kit\.", r"^(kit|platform)\.")
        url = str(URL(amqp_url).with_user(user).with_password("secret"))
        async with connected(url, "test") as connection:
            found = await Topology(connection, events_exchange).declare(account_name, {"one"}, ())
        assert found.guarded == {DEAD_LETTER_EXCHANGE}
    finally:
        await broker_ctl.rabbitmqctl("delete_user", user)


async def test_bindings_to_several_exchanges_are_removed_also_where_one_is_gone(
    topology: Topology, channel: AbstractChannel, events_exchange: str, account_name: str
) -> None:
    await topology.declare(account_name, {"one", "two"}, ())
    await topology.unbind(account_name, {(events_exchange, "one"), ("test.no.such.exchange", "one")})
    assert await reaching(channel, events_exchange, "one", "two") == {"two"}


async def declared_earlier(channel: AbstractChannel, account: str) -> None:
    """Make an account's dead-letter queue as earlier versions did."""
    await channel.declare_exchange(DEAD_LETTER_EXCHANGE, "direct", durable=True)
    queue = await channel.declare_queue(
        dead_letter_queue(account), durable=True, arguments=EARLIER_DEAD_LETTER_QUEUE
    )
    await queue.bind(DEAD_LETTER_EXCHANGE, account)


async def test_a_dead_letter_queue_of_an_earlier_version_is_taken_as_it_is(
    topology: Topology, channel: AbstractChannel, account_name: str
) -> None:
    await declared_earlier(channel, account_name)
    assert (await topology.declare(account_name, (), ())).outdated
    assert await reaching(channel, DEAD_LETTER_EXCHANGE, account_name) == {account_name}


async def test_a_dead_letter_queue_that_never_was_ours_is_refused(
    topology: Topology, channel: AbstractChannel, account_name: str
) -> None:
    await channel.declare_queue(dead_letter_queue(account_name), durable=True)
    with pytest.raises(TopologyMismatch, match="inequivalent arg"):
        await topology.declare(account_name, (), ())


async def test_a_length_policy_drops_no_dead_letter(
    topology: Topology, channel: AbstractChannel, broker_ctl: BrokerControl, account_name: str
) -> None:
    """Given a policy with max-length, each letter that was confirmed is kept; the others are refused."""
    await topology.declare_dead_letters(account_name)
    pattern = dead_letter_queue(account_name).replace(".", r"\.")
    limit = ("--apply-to", "queues", account_name, f"^{pattern}$", '{"max-length": 2}')
    await broker_ctl.rabbitmqctl("set_policy", *limit)
    try:
        confirmed, refused = 0, 0
        exchange = await channel.get_exchange(DEAD_LETTER_EXCHANGE)
        async with asyncio.timeout(20):
            while refused < 3:  # the limit is soft, and a policy takes a moment
                try:
                    await exchange.publish(aio_pika.Message(b"{}"), account_name)
                    confirmed += 1
                except DeliveryError:
                    refused += 1
        assert await topology.depth(dead_letter_queue(account_name)) == confirmed
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", account_name)


async def test_a_dead_letter_queue_is_made_anew_with_all_that_is_in_it(
    topology: Topology, channel: AbstractChannel, amqp_url: str, account_name: str
) -> None:
    """Given letters of every kind, they are there afterwards in their order, under their ids."""
    await declared_earlier(channel, account_name)
    exchange = await channel.get_exchange(DEAD_LETTER_EXCHANGE)
    for number in range(300):
        headers: HeadersType = {"x-reason": "invalid_event", "n": number}
        letter = aio_pika.Message(f"{number}".encode(), message_id=f"letter-{number}", headers=headers)
        await exchange.publish(letter, account_name)
    taken_out: HeadersType = {"x-death": [{"queue": "q", "reason": "delivery_limit"}], "CC": ["kit.other"]}
    await exchange.publish(aio_pika.Message(b"{}", headers=taken_out, priority=3), account_name)

    async with connected(amqp_url, "test") as connection, connected(amqp_url, "test") as publishing:
        assert await renew(connection, Publisher(publishing), topology, account_name) == 301
        whole = [each async for each in whole_letters(connection, account_name, Selection())]
    assert [each.id for each in whole[:-1]] == [f"letter-{number}" for number in range(300)]
    assert [each.body for each in whole[:-1]] == [f"{number}".encode() for number in range(300)]
    assert (whole[-1].reason, whole[-1].headers["x-original-cc"]) == ("delivery_limit", ["kit.other"])
    assert not (await topology.declare(account_name, (), ())).outdated
    assert await topology.depth(f"{dead_letter_queue(account_name)}.renewing") is None
    assert await reaching(channel, DEAD_LETTER_EXCHANGE, account_name) == {account_name}
    assert await topology.depth(dead_letter_queue(account_name)) == 302


async def test_renewing_goes_on_where_it_was_cut_short(
    topology: Topology, channel: AbstractChannel, amqp_url: str, account_name: str
) -> None:
    """Given letters in both queues, one of them in both, the next renewal brings them together."""
    await declared_earlier(channel, account_name)
    queue = dead_letter_queue(account_name)
    exchange = await channel.get_exchange(DEAD_LETTER_EXCHANGE)
    ours: HeadersType = {"x-reason": "invalid_event"}
    await exchange.publish(aio_pika.Message(b"1", message_id="one", headers=ours), account_name)
    await topology.move_dead_letters(account_name, to=f"{queue}.renewing", instead_of=queue)
    for name in ("one", "two"):
        await exchange.publish(aio_pika.Message(b"1", message_id=name, headers=ours), account_name)

    async with connected(amqp_url, "test") as connection, connected(amqp_url, "test") as publishing:
        await renew(connection, Publisher(publishing), topology, account_name)
        whole = [each.id async for each in whole_letters(connection, account_name, Selection())]
    assert whole == ["one", "two"]


async def test_to_declare_again_takes_no_further_channel(
    amqp_url: str, events_exchange: str, account_name: str
) -> None:
    """Given all that is declared every minute, the first time opens a few channels, and the others none."""
    async with connected(amqp_url, "test") as connection:
        topology = Topology(FewChannels(connection), events_exchange)
        await topology.declare(account_name, {"one"}, {"two"})
        assert connection.transport is not None
        opened = dict(connection.transport.connection.channels)
        for _ in range(5):
            await topology.declare(account_name, {"one"}, {"two"})
        assert connection.transport.connection.channels == opened
        assert len(opened) == 1
