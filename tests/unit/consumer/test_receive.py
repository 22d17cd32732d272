"""What a consumer holds, and when it takes in no more."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.virtual_time import VirtualClock, now, run
from worker.broker.broker import Broker
from worker.consumer.end import End
from worker.consumer.prefetch import MANY_DELIVERIES, starting_with
from worker.consumer.receive import Ack, Consumer, acks
from worker.events.delivery import Delivery


class Heard:
    """A broker that is heard, or not."""

    is_heard = True

    @property
    def consuming(self) -> Heard:
        """The connection."""
        return self


def consumer_of(broker: Heard | None = None) -> Consumer:
    return Consumer("sunny", cast("Broker", broker or Heard()), "here", starting_with(500), VirtualClock())


def delivery(tag: int, count: int = 0) -> Delivery:
    return Delivery(b"{}", "user.signed_up", headers={"x-delivery-count": count}, tag=tag, since=now())


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


def test_once_a_write_has_succeeded_such_a_message_is_taken() -> None:
    async def main() -> None:
        consumer = consumer_of()
        consumer.prefetch = consumer.prefetch.after_success()
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


# -- which acks ---------------------------------------------------------------------------------------------


def settled_by(sent: list[Ack], outstanding: set[int]) -> set[int]:
    """Return what RabbitMQ takes for done of what it has sent and heard nothing of yet."""
    return {tag for tag in outstanding for ack in sent if tag == ack.tag or (ack.multiple and tag < ack.tag)}


@given(
    in_hand=st.dictionaries(st.integers(1, 60), st.booleans(), min_size=1),
    on_their_way=st.integers(0, 5),
)
def test_exactly_what_is_done_is_settled(in_hand: dict[int, bool], on_their_way: int) -> None:
    """Given messages in hand, each done or not, and some on their way, acks are about the done ones alone."""
    done = [tag for tag, is_done in in_hand.items() if is_done]
    oldest_open = min((tag for tag, is_done in in_hand.items() if not is_done), default=None)
    outstanding = {*in_hand, *range(max(in_hand) + 1, max(in_hand) + 1 + on_their_way)}
    sent = acks(done, oldest_open)
    assert settled_by(sent, outstanding) == set(done)
    assert len(sent) <= len(done)


def test_what_is_done_without_a_gap_is_one_ack() -> None:
    """Given a batch that is done as it came, one ack settles it."""
    assert acks(range(1, 501), None) == [Ack(500, multiple=True)]
    assert acks([1, 2, 3, 5], 4) == [Ack(3, multiple=True), Ack(5, multiple=False)]


def test_a_single_message_is_acked_by_itself() -> None:
    """Given one message that is done, nothing but that one is acked."""
    assert acks([7], None) == [Ack(7, multiple=False)]
    assert acks([7], 9) == [Ack(7, multiple=False)]
    assert acks([], 3) == []
