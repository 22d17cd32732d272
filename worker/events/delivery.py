"""A message as RabbitMQ delivered it, in plain Python values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from worker.events.event import is_workers_own

NEVER: Final = datetime.min.replace(tzinfo=UTC)


class Delivery(msgspec.Struct, frozen=True, eq=False):
    """One delivery of a message; delivered again, it is another one.

    Attributes:
        routing_key: As readable text.
        properties: Those that are set, by their AMQP names (`content_type`, `message_id`, `type`, …), without
            the headers. Text that was not UTF-8 is made readable; an impossible timestamp is left out.
        headers: Likewise.
        unreadable: Names of properties and headers that could not be decoded, such as a timestamp in
            microseconds.
        tag: The channel's number for it.
        received_at: The time of day of its receipt, in UTC.
        since: Seconds by `Clock.monotonic`, at its receipt.
        exchange: Where it was published; empty where it was put straight into the queue, whose name is the
            routing key then.
    """

    body: bytes
    routing_key: str
    properties: Mapping[str, Any] = {}
    headers: Mapping[str, Any] = {}
    unreadable: tuple[str, ...] = ()
    tag: int = 0
    received_at: datetime = NEVER
    since: float = 0.0
    exchange: str = ""
    redelivered: bool = False

    @property
    def count(self) -> int:
        """How often it was delivered before, as far as the broker says."""
        count = self.headers.get("x-delivery-count") if self.redelivered else 0
        return count if isinstance(count, int) else 0

    def as_published(self) -> Delivery:
        """Return it without the headers that are the worker's own, unless the worker may have written them.

        A replay is put straight into the queue. What came through an exchange is somebody else's, and must
        not pass for one: it could name another app, or come before what is newer.
        """
        if not self.exchange or not any(map(is_workers_own, self.headers)):
            return self
        headers = {name: value for name, value in self.headers.items() if not is_workers_own(name)}
        return msgspec.structs.replace(self, headers=headers)
