"""Finds one dead letter, as the message that it was."""

from __future__ import annotations

from datetime import datetime

import msgspec

from worker.broker.connection import Connection
from worker.dead_letters.letter import replay_message
from worker.dead_letters.reader import LetterInHand, reading
from worker.events.delivery import Delivery
from worker.subscribers.identity import id_key


async def find_letter(
    connection: Connection, account: str, id_: str, *, by_event: bool = False
) -> LetterInHand | None:
    """Return the dead letter that has an id, and leave every one where it is; None where none was seen.

    Args:
        connection: On which letters come.
        account: Whose.
        id_: As it is, or as `id_key` writes it.
        by_event: Whether it may be its event's id, too.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer, or went away meanwhile.
    """
    async with reading(connection, account) as reader:
        async for in_hand in reader.letters():
            letter = in_hand.letter
            ids = (letter.id, letter.event_id) if by_event else (letter.id,)
            if any(each and id_ in {each, id_key(each)} for each in ids):
                return in_hand
    return None


def as_replayed(in_hand: LetterInHand, received_at: datetime) -> Delivery:
    """Return what a worker would receive if a dead letter were replayed."""
    message = replay_message(in_hand.delivery, in_hand.letter)
    properties = dict(message.properties)
    headers = properties.pop("headers")
    again = Delivery(message.body, message.routing_key, properties, headers, received_at=received_at)
    return msgspec.structs.replace(again, unreadable=in_hand.delivery.unreadable)
