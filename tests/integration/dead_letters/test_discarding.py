"""Dead letters in a real RabbitMQ: which of them are one, and deleting those that were asked about."""

from __future__ import annotations

import aio_pika
from aio_pika.abc import HeadersType

from tests.integration.conftest import BrokerControl
from tests.integration.dead_letters.box import Box, Done
from worker.broker.publisher import Publisher
from worker.broker.topology import dead_letter_queue, work_queue
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.listing import look
from worker.dead_letters.operations import discard, replay, whole_letters
from worker.dead_letters.selection import Selection


async def test_discard_deletes_what_is_selected_and_only_among_those_asked_about(box: Box) -> None:
    await box.fill({}, {"x-reason": "kit_rejected"}, {}, {})
    done = Done()

    await discard(box.connection, box.account, Selection(reasons=frozenset({"invalid_event"})), done, among=3)

    assert done == ["e1", "e3"]
    await box.all_back(2)
    assert [each.event_id for each in (await look(box.connection, box.account)).letters] == ["e2", "e4"]
    assert await box.waiting() == 0


async def test_copies_of_a_dead_letter_are_one(box: Box, publisher: Publisher) -> None:
    """Given a letter that was published three times under one id, it counts once."""
    await box.fill({}, {})
    await box.fill({}, {}, {})  # the same two again, and a third
    listing = await look(box.connection, box.account)
    assert (listing.ready, listing.matching, listing.copies, len(listing.letters)) == (5, 3, 2, 3)
    await box.all_back(5)
    whole = [each.id async for each in whole_letters(box.connection, box.account, Selection())]
    assert whole == ["letter-1", "letter-2", "letter-3"]
    await box.all_back(5)

    done: list[DeadLetter] = []
    first = Selection(ids=frozenset({"letter-1"}))
    await replay(box.connection, publisher, box.account, first, done.append)
    assert ([each.id for each in done], await box.waiting()) == (["letter-1"], 1)
    await box.all_back(3)
    await discard(box.connection, box.account, Selection(), done.append)
    assert [each.id for each in done] == ["letter-1", "letter-2", "letter-3"]
    await box.all_back(0)


async def test_what_rabbitmq_took_out_under_one_id_is_two(box: Box) -> None:
    """Given two events that their publisher gave one id, and that no worker settled, neither is a copy."""
    death: HeadersType = {"x-death": [{"queue": work_queue(box.account), "reason": "delivery_limit"}]}
    for _ in range(2):
        message = aio_pika.Message(b"{}", headers=death, message_id="theirs", delivery_mode=2)
        await box.channel.default_exchange.publish(message, dead_letter_queue(box.account))
    assert (await look(box.connection, box.account)).matching == 2


async def test_what_expired_in_the_work_queue_is_told_as_such(box: Box, broker_ctl: BrokerControl) -> None:
    """Given a policy that lets events expire, their letters say so, and not that no worker settled them."""
    policy = ("--apply-to", "queues", box.account, f"^{work_queue(box.account)}$", '{"message-ttl": 50}')
    await broker_ctl.rabbitmqctl("set_policy", *policy)
    try:
        message = aio_pika.Message(b"{}", delivery_mode=2)
        await box.channel.default_exchange.publish(message, work_queue(box.account))
        await box.all_back(1)
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", box.account)
    (letter,) = (await look(box.connection, box.account)).letters
    assert letter.reason == "expired"
    assert "message-ttl" in letter.detail


async def test_a_publishers_headers_of_a_replay_do_not_outlive_the_death_of_its_event(
    box: Box, publisher: Publisher, broker_ctl: BrokerControl, events_exchange: str
) -> None:
    """Given forged headers of an event that RabbitMQ itself took out, letter and replay tell what is true."""
    forged: HeadersType = {
        "x-reason": "kit_rejected", "x-detail": "mine", "x-event-id": "forged", "x-event-arrival": "1",
        "x-event-time": "2020-01-01T00:00:00Z", "x-original-routing-key": "user.signed_up.rainy",
        "x-death": [{"queue": "other", "reason": "rejected"}], "x-delivery-count": 99,
    }  # fmt: skip
    exchange = await box.channel.declare_exchange(events_exchange, "topic", durable=True)
    await (await box.channel.get_queue(work_queue(box.account))).bind(exchange, "user.#")
    policy = ("--apply-to", "queues", box.account, f"^{work_queue(box.account)}$", '{"message-ttl": 50}')
    await broker_ctl.rabbitmqctl("set_policy", *policy)
    try:
        body = b'{"id": "e-1", "type": "user.signed_up", "data": {}}'
        await exchange.publish(
            aio_pika.Message(body, headers=forged, delivery_mode=2), "user.signed_up.sunny"
        )
        await box.all_back(1)
    finally:
        await broker_ctl.rabbitmqctl("clear_policy", box.account)

    (letter,) = (await look(box.connection, box.account)).letters
    await replay(box.connection, publisher, box.account, Selection(ids=frozenset({"e-1"})), Done())
    (event,) = await box.take(1)

    assert (letter.reason, letter.event_id, letter.event_type) == ("expired", "e-1", "user.signed_up")
    assert letter.routing_key == "user.signed_up.sunny"
    assert event.headers["x-event-time"] == letter.failed_at  # as RabbitMQ notes it, for the event has none
    assert "x-event-arrival" not in event.headers
    assert event.headers["x-original-routing-key"] == "user.signed_up.sunny"
