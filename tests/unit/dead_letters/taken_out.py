"""What RabbitMQ itself dead-lettered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from worker.events.delivery import Delivery


def delivered(tag: int, body: bytes = b"{}", message_id: str | None = None) -> Delivery:
    """What RabbitMQ itself dead-lettered, as the delivery with that number."""
    death: dict[str, Any] = {"reason": "delivery_limit", "time": datetime(2026, 7, 1, tzinfo=UTC)}
    properties = {} if message_id is None else {"message_id": message_id}
    return Delivery(body, "sunny", properties, {"x-death": [death]}, tag=tag)
