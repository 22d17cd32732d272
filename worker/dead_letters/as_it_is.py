"""A dead letter on its way to another queue, in which it is the same one."""

from __future__ import annotations

from worker.broker import frames
from worker.broker.publisher import Outgoing
from worker.dead_letters.letter import harmless
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery


def as_it_is(delivery: Delivery, letter_id: str, queue: str) -> Outgoing:
    """Return a letter as it is published straight into another queue, under the id that it has.

    Raises:
        BrokerUnavailable: It cannot be sent again as it is.
    """
    properties, headers = harmless(delivery)
    whole = {"message_id": letter_id, **properties, "headers": headers, "delivery_mode": 2}
    if not frames.can_be_sent(whole):
        raise BrokerUnavailable(f"the letter with the id {letter_id} cannot be sent again: replay it first")
    return Outgoing("", queue, delivery.body, whole)
