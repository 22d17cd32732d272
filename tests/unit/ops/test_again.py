"""The message by which Kit is told once more what should be so of a person."""

from __future__ import annotations

from msgspec import structs

from tests.unit.examples import EMAIL, NOON
from worker.dead_letters.letter import dead_letter, read_dead_letter, replay_message
from worker.errors import KitRejected
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin
from worker.ops.again import EVENT_TYPE, again_message
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.mark import event_mark


def received(body: bytes, routing_key: str, properties: dict[str, object]) -> Delivery:
    """Return a message as it comes out of a queue into which it was put straight."""
    given = dict(properties)
    headers = given.pop("headers")
    return Delivery(body, routing_key, given, headers, received_at=NOON)  # type: ignore[arg-type]  # a table


def sent(email: str = EMAIL) -> Delivery:
    message = again_message("sunny", email, NOON)
    assert message.exchange == ""
    return received(message.body, message.routing_key, message.properties)


def read(delivery: Delivery) -> Event:
    return decode(delivery, arrival=1, apps=("sunny-kitchen",))


def test_it_names_the_person_and_nothing_that_should_be_so() -> None:
    delivery = sent()
    event = read(delivery)
    assert delivery.routing_key == "kit.sunny"
    assert (event.type, event.time, event.origin, event.app) == (EVENT_TYPE, NOON, Origin.AGAIN, None)
    assert event.data == {"user": {"email": EMAIL}}


def test_a_copy_of_it_is_the_same_one_and_another_is_not() -> None:
    one, other = sent(), sent()
    assert event_mark(read(one)) == event_mark(read(structs.replace(one, redelivered=True)))
    assert event_mark(read(one)) != event_mark(read(other))


def test_as_a_dead_letter_it_is_replayed_as_what_it_was() -> None:
    """Given that Kit refused some of it, once that is mended, a replay asks for the same."""
    delivery = sent()
    outcome = Outcome(Item(delivery, read(delivery), EMAIL), Kind.DEAD_LETTERED, KitRejected("422"))
    died = dead_letter("sunny", outcome, NOON)
    letter = received(died.body, died.routing_key, died.properties)
    again = replay_message(letter, read_dead_letter(letter, "sunny"))
    event = read(received(again.body, again.routing_key, again.properties))
    assert (event.origin, event.type, event_mark(event)) == (
        Origin.AGAIN,
        EVENT_TYPE,
        event_mark(read(delivery)),
    )
