"""Has the account's worker tell Kit once more what should be so of a person, by a message in its queue."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Final

from worker.broker.publisher import Outgoing, Publisher
from worker.broker.queues import connected
from worker.broker.topology import work_queue
from worker.events.event import ORIGIN, Origin
from worker.events.values import time_text
from worker.settings import Settings

EVENT_TYPE: Final = "kit-worker.again"
"""As the history names it; no account's file maps it."""


def again_message(account: str, email: str, now: datetime) -> Outgoing:
    """Return what is put into an account's work queue; by its id, a second copy of it is a duplicate.

    It says whom it is about; what should be so of the person is what the ledger knows when it comes in.

    Args:
        account: Its name.
        email: The address that the person has now, as the ledger has it.
        now: When it was asked for.
    """
    data = {"user": {"email": email}}
    event = {"id": str(uuid.uuid4()), "type": EVENT_TYPE, "time": time_text(now), "data": data}
    properties = {
        "content_type": "application/json",
        "delivery_mode": 2,
        "headers": {ORIGIN: Origin.AGAIN.value},
    }
    return Outgoing("", work_queue(account), json.dumps(event, ensure_ascii=False).encode(), properties)


async def send_again(settings: Settings, account: str, email: str, now: datetime) -> None:
    """Put it there; returns once RabbitMQ has it safely.

    Raises:
        BrokerUnavailable: RabbitMQ is away, or there is no such queue yet; perhaps it is there all the same.
    """
    async with connected(settings.amqp_url.get_secret_value(), "again") as connection:
        await Publisher(connection).publish(again_message(account, email, now))
