"""A dead letter on its way to another queue, in which it is the same one."""

from __future__ import annotations

from worker.broker import frames
from worker.broker.publisher import Outgoing
from worker.dead_letters.death import made_up_id
from worker.dead_letters.letter import harmless
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery


def as_it_is(delivery: Delivery, letter_id: str, queue: str) -> Outgoing:
    """Return a letter as it is published straight into another queue, in which it has the same id.

    Args:
        delivery: The letter, as it was delivered.
        letter_id: Its id, for people.
        queue: The other one's name.

    Raises:
        BrokerUnavailable: It cannot be sent again as it is.
    """
    properties, headers = harmless(delivery)
    own = made_up_id(delivery.body, delivery.headers)  # else it gets one that does not tell what it was
    whole = {"message_id": own, **properties, "headers": headers, "delivery_mode": 2}
    if not frames.can_be_sent(whole):
        raise BrokerUnavailable(f"the letter with the id {letter_id} cannot be sent again: replay it first")
    return Outgoing("", queue, delivery.body, whole)
