"""What a consumer holds, and when it takes in no more."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tests.unit.virtual_time import VirtualClock, now, run
from worker.broker.broker import Broker
from worker.broker.consuming import ConsumerChannel
from worker.consumer.end import End
from worker.consumer.prefetch import MANY_DELIVERIES, starting_with
from worker.consumer.receive import FINISH_WITHIN, Consumer
from worker.consumer.room import MOST, PER_MESSAGE, Room
from worker.events.delivery import Delivery


class Heard:
    """A broker that is heard, or not."""

    is_heard = True

    @property
    def consuming(self) -> Heard:
        """The connection."""
        return self


class Writes:
    """A channel that takes acks."""

    is_closed = False

    async def ack(self, _tag: int, *, multiple: bool) -> None:
        """Take one."""


def consumer_of(broker: Heard | None = None, most: int = MOST) -> Consumer:
    broker = broker or Heard()
    return Consumer("sunny", cast("Broker", broker), "here", starting_with(500), Room(most), VirtualClock())


def delivery(tag: int, count: int = 0) -> Delivery:
    headers = {"x-delivery-count": count}
    return Delivery(b"{}", "user.signed_up", headers=headers, tag=tag, since=now(), redelivered=count > 0)


def test_after_the_end_no_message_is_taken_in_and_the_first_reason_stands() -> None:
    """Given an end, what still comes goes back with the channel."""

    async def main() -> None:
        consumer = consumer_of()
        first, late = delivery(1), delivery(2)
        await consumer.receive(first)
        consumer.end(End.RESIZE)
        await consumer.receive(late)
        consumer.channel_ended(cancelled=True)

        assert consumer.unsettled == {1: first}
        assert consumer.take(10) == [first]
        assert consumer.ended.result() is End.RESIZE

    run(main())


def test_whoever_rests_is_woken_by_each_message_and_by_the_end() -> None:
    async def main() -> None:
        consumer = consumer_of()
        for tag in (1, 2):
            await consumer.receive(delivery(tag))
            assert consumer.came.is_set(), tag
            consumer.came.clear()
        consumer.end(End.STOPPED)
        assert consumer.came.is_set()

    run(main())


@pytest.mark.parametrize(("cancelled", "why"), [(True, End.QUEUE_GONE), (False, End.CHANNEL_LOST)])
def test_a_channel_that_ends_says_why(*, cancelled: bool, why: End) -> None:
    async def main() -> None:
        consumer = consumer_of()
        consumer.channel_ended(cancelled=cancelled)
        assert consumer.ended.result() is why

    run(main())


def test_a_message_that_came_back_often_ends_it() -> None:
    """Given something that kills workers or channels, what is left is consumed with care."""

    async def main() -> None:
        consumer = consumer_of()
        await consumer.receive(delivery(1, MANY_DELIVERIES))
        assert consumer.ended.result() is End.REDELIVERED
        assert consumer.unsettled == {}

    run(main())


def test_where_few_are_in_hand_such_a_message_is_taken() -> None:
    async def main() -> None:
        consumer = consumer_of()
        consumer.prefetch = consumer.prefetch.after_give_back()
        await consumer.receive(delivery(1, MANY_DELIVERIES))
        assert list(consumer.unsettled) == [1]

    run(main())


def test_the_account_is_ours_while_the_broker_is_heard_and_until_it_is_fenced() -> None:
    async def main() -> None:
        broker = Heard()
        consumer = consumer_of(broker)
        broker.is_heard = False
        waiting = asyncio.create_task(consumer.surely_ours())
        await asyncio.sleep(60)
        assert not waiting.done()
        broker.is_heard = True
        await waiting
        consumer.fence()
        assert not consumer.is_ours

    run(main())


def test_messages_are_taken_in_their_order_so_many_at_a_time() -> None:
    async def main() -> None:
        consumer = consumer_of()
        for tag in (1, 2, 3):
            await consumer.receive(delivery(tag))
        assert [[each.tag for each in consumer.take(2)] for _ in range(3)] == [[1, 2], [3], []]
        assert consumer.oldest_age == 0.0
        await asyncio.sleep(5)
        assert consumer.oldest_age == 5.0

    run(main())


KB = 1000


def large(tag: int, size: int) -> Delivery:
    """Return a message of so many kilobytes."""
    return Delivery(b"x" * max(0, size * KB - PER_MESSAGE), "user.signed_up", tag=tag, since=now())


def test_once_bodies_take_too_much_it_ends_and_the_next_session_takes_fewer() -> None:
    """Given room for 1,000 KB, then of messages of 100 KB seven are taken: an eighth leaves no ease."""

    async def main() -> None:
        consumer = consumer_of(most=1000 * KB)
        for tag in range(1, 20):
            await consumer.receive(large(tag, 100))
        assert consumer.ended.result() is End.RESIZE
        assert len(consumer.unsettled) == 11
        assert consumer.prefetch.count == 7

    run(main())


def test_what_is_settled_leaves_room() -> None:
    async def main() -> None:
        consumer = consumer_of(most=1000 * KB)
        consumer._channel = cast("ConsumerChannel", Writes())
        for tag in range(1, 50):
            await consumer.receive(large(tag, 400))
            async for _ in consumer.ack(list(consumer.unsettled.values())):
                pass
        assert not consumer.ended.done()
        assert (consumer.share.held, consumer.share.settled) == (0, 49)

    run(main())


def test_of_what_is_done_in_a_row_one_ack_is_written_and_the_rest_waits_for_a_later_one() -> None:
    """Given a gap, what is done behind it is acked once somebody asks for all, or it is done as well."""

    async def main() -> None:
        consumer = consumer_of()
        consumer._channel = cast("ConsumerChannel", Writes())
        for tag in range(1, 7):
            await consumer.receive(delivery(tag))
        done = [consumer.unsettled[tag] for tag in (1, 2, 4, 6)]
        assert [each async for each in consumer.ack(done, in_a_row=True)] == [{1, 2}]
        assert [each async for each in consumer.ack(done, in_a_row=True)] == []
        done.append(consumer.unsettled[3])
        assert [each async for each in consumer.ack(done, in_a_row=True)] == [{3, 4}]
        assert [each async for each in consumer.ack(done)] == [{6}]
        assert list(consumer.unsettled) == [5]

    run(main())


def test_one_message_is_taken_whatever_its_size() -> None:
    async def main() -> None:
        consumer = consumer_of(most=1000 * KB)
        await consumer.receive(large(1, 5000))
        assert not consumer.ended.done()
        await consumer.receive(large(2, 1))
        assert consumer.ended.result() is End.RESIZE
        assert consumer.prefetch.count == 1

    run(main())


def test_what_came_while_as_many_were_held_as_may_be_is_not_the_newest() -> None:
    async def main() -> None:
        consumer = consumer_of()
        for tag in range(1, 500):
            await consumer.receive(delivery(tag))
        assert not consumer.is_full
        assert consumer.last_old == float("-inf")
        await asyncio.sleep(3)
        await consumer.receive(delivery(500))
        assert consumer.is_full
        assert consumer.last_old == 3

    run(main())


def test_what_came_before_something_that_came_again_is_not_new() -> None:
    """What is handed back may come behind a newer event of the same person, which was handed back before."""

    async def main() -> None:
        consumer = consumer_of()
        await consumer.receive(delivery(1))
        assert consumer.last_old == float("-inf")
        await asyncio.sleep(3)
        await consumer.receive(delivery(2, count=1))
        await asyncio.sleep(2)
        await consumer.receive(delivery(3))
        assert consumer.last_old == 3

    run(main())


def test_once_as_many_are_settled_as_it_may_hold_the_next_session_holds_more() -> None:
    async def main() -> None:
        consumer = consumer_of()
        consumer.prefetch = starting_with(500).after_taking_too_much(5)
        consumer.window = consumer.prefetch.count
        consumer._channel = cast("ConsumerChannel", Writes())
        for tag in range(1, 6):
            await consumer.receive(large(tag, 100))
            consumer.grow()
            assert not consumer.ended.done()
        async for _ in consumer.ack(list(consumer.unsettled.values())):
            pass
        consumer.grow()
        assert consumer.ended.result() is End.RESIZE
        assert consumer.prefetch.count == 20

    run(main())


def growing() -> Consumer:
    """One that has settled as many as it may hold, so that the next session may hold more."""
    consumer = consumer_of()
    consumer.prefetch = starting_with(500).after_taking_too_much(3)
    consumer.window = consumer.share.settled = 3
    consumer._channel = cast("ConsumerChannel", Writes())
    return consumer


def test_a_session_that_is_to_hold_more_ends_when_all_that_it_holds_is_done() -> None:
    """Given a full queue, RabbitMQ sends nothing for what is done meanwhile, so that nothing goes back."""

    async def main() -> None:
        consumer = growing()
        for tag in (1, 2, 3):
            await consumer.receive(delivery(tag))
        consumer.grow()
        for tag in (2, 1, 3):
            assert not consumer.ended.done()
            assert consumer.is_full
            assert [acked async for acked in consumer.ack([delivery(tag)])] == [{tag}]
        assert consumer.ended.result() is End.RESIZE
        assert consumer._done == {1, 2, 3}
        assert not consumer.unsettled

    run(main())


def test_a_session_that_is_to_hold_more_does_not_wait_for_ever() -> None:
    async def main() -> None:
        consumer = growing()
        await consumer.receive(delivery(1))
        consumer.grow()
        await asyncio.sleep(FINISH_WITHIN - 1)
        consumer.grow()
        assert not consumer.ended.done()
        await asyncio.sleep(1)
        consumer.grow()
        assert consumer.ended.result() is End.RESIZE
        assert (list(consumer.unsettled), consumer.prefetch.count) == ([1], 12)  # it grew once

    run(main())
