"""The consumer on a real queue: what it gives back, and where RabbitMQ puts that."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from tests.integration.conftest import BrokerControl
from tests.integration.harness import until
from worker.broker.broker import Broker
from worker.broker.topology import consumer_priority, work_queue, work_queue_arguments
from worker.clock import Clock
from worker.consumer.end import End
from worker.consumer.prefetch import starting_with
from worker.consumer.receive import Consumer
from worker.consumer.room import Room
from worker.events.delivery import Delivery

pytestmark = pytest.mark.timeout(60)

COUNT = 20


@pytest.fixture
async def broker(amqp_url: str) -> AsyncIterator[Broker]:
    """A connection, as a worker has one."""
    broker = Broker(amqp_url, "here", Clock())
    connected = asyncio.create_task(broker.run())
    yield broker
    connected.cancel()
    await asyncio.gather(connected, return_exceptions=True)


@pytest.fixture
async def queue(channel: AbstractChannel, account_name: str) -> None:
    """The account's work queue, with messages in it."""
    queue = await channel.declare_queue(
        work_queue(account_name), durable=True, arguments=work_queue_arguments(account_name)
    )
    for number in range(COUNT):
        await channel.default_exchange.publish(aio_pika.Message(f"{number}".encode()), queue.name)


class Consuming:
    """One consumer, and the messages that it was given."""

    def __init__(self, broker: Broker, account: str, prefetch: int) -> None:
        self.consumer = Consumer(account, broker, "here", starting_with(prefetch), Room(), Clock())

    @property
    def got(self) -> list[Delivery]:
        """The messages, which nobody takes."""
        return self.consumer.delivered

    @property
    def numbers(self) -> list[int]:
        """The messages, in the order in which they came."""
        return [int(delivery.body) for delivery in self.got]


async def consuming(broker: Broker, account: str, prefetch: int, count: int) -> Consuming:
    """Begin to consume, and wait for so many messages."""
    consuming = Consuming(broker, account, prefetch)
    await consuming.consumer.subscribe()
    await until(lambda: len(consuming.got) == count)
    return consuming


async def acked(consumer: Consumer, deliveries: Iterable[Delivery]) -> set[int]:
    """Ack deliveries; the tags of those of which the broker was told."""
    return {tag async for tags in consumer.ack(deliveries) for tag in tags}


@pytest.mark.usefixtures("queue")
async def test_what_is_given_back_comes_again_in_order(broker: Broker, account_name: str) -> None:
    """Given messages in hand, closing hands them back in the order in which they came."""
    first = await consuming(broker, account_name, COUNT // 2, COUNT // 2)
    await first.consumer.close()
    second = await consuming(broker, account_name, COUNT, COUNT)
    await second.consumer.close()
    assert second.numbers == list(range(COUNT))
    assert {delivery.count for delivery in second.got[: COUNT // 2]} == {1}


@pytest.mark.usefixtures("queue")
async def test_a_careful_consumer_leaves_the_order_as_it_was(broker: Broker, account_name: str) -> None:
    """Given messages that came back, one who takes a single one and ends changes nothing for the others.

    RabbitMQ sends the next message as soon as one is acked, and would put it behind all that came back.
    """
    first = await consuming(broker, account_name, COUNT, COUNT)
    await first.consumer.close()
    careful = await consuming(broker, account_name, 1, 1)
    careful.consumer.end(End.STOPPED)
    assert await acked(careful.consumer, careful.got) == {careful.got[0].tag}
    assert not careful.consumer.unsettled
    await careful.consumer.close()
    third = await consuming(broker, account_name, COUNT, COUNT - 1)
    await third.consumer.close()
    assert careful.numbers == [0]
    assert third.numbers == list(range(1, COUNT))
    assert {delivery.count for delivery in third.got} == {1}


@pytest.mark.usefixtures("queue")
async def test_a_consumer_that_is_to_hold_more_leaves_the_order_as_it_was(
    broker: Broker, account_name: str
) -> None:
    """Given messages that came back, of which few were held, more are held without that any goes back.

    Acked one by one, each would bring another message, which would go behind all that came back.
    """
    first = await consuming(broker, account_name, COUNT, COUNT)
    await first.consumer.close()
    few = await consuming(broker, account_name, 4, 4)
    few.consumer.prefetch = starting_with(COUNT)
    few.consumer.grow()
    for delivery in few.got:
        assert await acked(few.consumer, [delivery]) == {delivery.tag}
    assert few.consumer.ended.result() is End.RESIZE
    await few.consumer.close()
    third = await consuming(broker, account_name, COUNT, COUNT - 4)
    await third.consumer.close()
    assert few.numbers == [0, 1, 2, 3]
    assert third.numbers == list(range(4, COUNT))
    assert {delivery.count for delivery in third.got} == {1}


@pytest.mark.usefixtures("queue")
async def test_many_acks_settle_exactly_those(broker: Broker, account_name: str) -> None:
    """Given some of the messages in hand done, with gaps, only the others come again."""
    done = {0, 1, 2, 3, 5, 8, 9}
    first = await consuming(broker, account_name, COUNT // 2, COUNT // 2)
    settled = [delivery for delivery in first.got if int(delivery.body) in done]
    assert await acked(first.consumer, settled) == {delivery.tag for delivery in settled}
    assert [int(each.body) for each in first.consumer.unsettled.values()] == [4, 6, 7]
    await until(lambda: len(first.got) == COUNT // 2 + len(done))  # RabbitMQ has the acks, and sends more
    await first.consumer.close()
    second = await consuming(broker, account_name, COUNT, COUNT - len(done))
    await second.consumer.close()
    assert sorted(second.numbers) == [number for number in range(COUNT) if number not in done]


@pytest.mark.usefixtures("queue")
async def test_a_worker_consumes_with_the_priority_that_is_its_own(
    broker: Broker, account_name: str, broker_ctl: BrokerControl
) -> None:
    """Given many workers, RabbitMQ hears of each how much it should be the one to have the account."""
    one = await consuming(broker, account_name, 1, 1)
    listed = await broker_ctl.rabbitmqctl("list_consumers", "queue_name", "arguments")
    await one.consumer.close()
    (line,) = [line for line in listed.splitlines() if line.startswith(work_queue(account_name))]
    assert str(consumer_priority("here", account_name)) in line


@pytest.mark.usefixtures("queue")
async def test_how_often_a_message_was_delivered_is_rabbitmqs_word(
    broker: Broker, channel: AbstractChannel, account_name: str
) -> None:
    """Given a publisher's own count of deliveries, nobody is taken for killed by it; RabbitMQ's counts."""
    forged = aio_pika.Message(str(COUNT).encode(), headers={"x-delivery-count": 99}, delivery_mode=2)
    await channel.default_exchange.publish(forged, work_queue(account_name))

    first = await consuming(broker, account_name, COUNT + 1, COUNT + 1)
    counts = [delivery.count for delivery in first.got]
    await first.consumer.close()
    again = await consuming(broker, account_name, COUNT + 1, COUNT + 1)

    assert counts == [0] * (COUNT + 1)
    assert [delivery.count for delivery in again.got] == [1] * (COUNT + 1)
    await again.consumer.close()
