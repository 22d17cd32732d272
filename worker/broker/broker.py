"""The worker's two connections to RabbitMQ: one to consume, one to publish with confirms."""

from __future__ import annotations

import asyncio

from worker.broker.connection import check_amqp_url
from worker.broker.publisher import Publisher
from worker.broker.reconnecting import MAX_SILENCE, PING_EVERY, ReconnectingConnection
from worker.clock import Clock


class Broker:
    """Both connections, and what is published over them.

    Args:
        url: The broker's, with one or more nodes.
        worker_id: As RabbitMQ's own pages show who it is.
        clock: Tells when the broker was heard.
        ping_every: Seconds between two questions to the broker.
        max_silence: Seconds for which an unheard broker is taken to be there.
    """

    def __init__(
        self,
        url: str,
        worker_id: str,
        clock: Clock,
        *,
        ping_every: float = PING_EVERY,
        max_silence: float = MAX_SILENCE,
    ) -> None:
        checked = check_amqp_url(url)
        self.consuming = ReconnectingConnection(
            checked,
            f"kit-worker {worker_id} consuming",
            clock=clock,
            ping_every=ping_every,
            max_silence=max_silence,
            consumes=True,
        )
        self.publishing = ReconnectingConnection(
            checked, f"kit-worker {worker_id} publishing", clock=clock, ping_every=ping_every
        )
        self.publisher = Publisher(self.publishing)

    async def run(self) -> None:
        """Keep both connections up, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.consuming.run())
            group.create_task(self.publishing.run())
