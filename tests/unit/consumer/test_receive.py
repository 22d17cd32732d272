"""What a consumer holds."""

from __future__ import annotations

from worker.clock import Clock
from worker.consumer.receive import Consumer, End
from worker.events.delivery import Delivery


async def test_after_the_end_no_message_is_taken_in() -> None:
    """Given an end, what still comes goes back with the channel, and nobody is told of it."""
    got: list[Delivery] = []
    ends: list[End] = []

    async def take(delivery: Delivery) -> None:
        got.append(delivery)

    consumer = Consumer("sunny", on_delivery=take, on_end=ends.append, clock=Clock())
    first, late = (Delivery(b"{}", "user.signed_up", tag=tag) for tag in (1, 2))

    await consumer.receive(first)
    consumer.end()
    await consumer.receive(late)
    consumer.ended(cancelled=True)

    assert got == [first]
    assert consumer.unsettled == {1: first}
    assert ends == [End.QUEUE_GONE]
