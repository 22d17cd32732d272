"""A delivery: one message, as RabbitMQ gave it to a consumer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec


class Delivery(msgspec.Struct, frozen=True, eq=False):
    """A message in hand, in plain values.

    Attributes:
        routing_key: As readable text.
        properties: Those that are set, by their AMQP names (`content_type`, `message_id`, `type`,
            `timestamp`, …), without the headers.
        unreadable: Names of properties and headers that could not be decoded, such as a timestamp in
            milliseconds.
        tag: The channel's number for it.
        received_at: The time of day of its receipt.
        since: When it was received, in seconds by `Clock.monotonic`.
    """

    body: bytes
    routing_key: str
    properties: Mapping[str, Any] = {}
    headers: Mapping[str, Any] = {}
    unreadable: tuple[str, ...] = ()
    tag: int = 0
    received_at: datetime = datetime.min.replace(tzinfo=UTC)
    since: float = 0.0

    @property
    def count(self) -> int:
        """How often it was delivered before, as far as the broker says."""
        count = self.headers.get("x-delivery-count")
        return count if isinstance(count, int) else 0
