"""The event that takes a dead letter's place once somebody has mended its body."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any, Final

from worker.broker.publisher import Outgoing
from worker.dead_letters.letter import DeadLetter, replay_message
from worker.errors import InvalidEvent
from worker.events.body import media_type
from worker.events.delivery import Delivery
from worker.events.envelope import id_headers
from worker.events.event import EVENT_ID
from worker.events.json_body import parse_json

MENDS: Final = "x-mends"
"""Names the event that another one takes the place of, or the dead letter where that had no id."""


def mended_message(delivery: Delivery, letter: DeadLetter, text: str) -> Outgoing:
    """Return a new event in a dead letter's place among the others, addressed to its work queue.

    Its id is one of its own, and the same for the same text: whoever is interrupted may do it again.

    Args:
        delivery: The dead letter, as it was delivered.
        letter: The same.
        text: The new body.

    Raises:
        EventError: The text is no JSON object.
    """
    body = parse_json(text.encode())
    if not isinstance(body, dict):
        raise InvalidEvent("body: must be a JSON object")
    event_id = f"mended-{sha256(f'{letter.id}/{text}'.encode()).hexdigest()[:24]}"
    message = replay_message(delivery, letter)
    headers: dict[str, Any] = dict(message.properties["headers"])
    carrying = id_headers(headers)
    headers |= dict.fromkeys(carrying, event_id)
    is_data = bool(carrying) and "specversion" not in body
    if "id" in body and not is_data:
        body["id"] = event_id
    headers |= {EVENT_ID: event_id, MENDS: letter.event_id or letter.id}
    properties = {name: value for name, value in message.properties.items() if name != "content_encoding"}
    if "content_type" in properties:
        properties["content_type"] = media_type(delivery)  # whatever its charset was, it is UTF-8 now
    properties["headers"] = headers
    plain = json.dumps(body, ensure_ascii=False, separators=(",", ":"))  # as small as can be
    return Outgoing(message.exchange, message.routing_key, plain.encode(), properties)
