"""The worker's three connections to RabbitMQ: to consume, to publish with confirms, to ask and declare."""

from __future__ import annotations

import asyncio

from worker.broker.address import check_amqp_url
from worker.broker.connection import close_quietly
from worker.broker.nodes import in_turn
from worker.broker.publisher import Publisher
from worker.broker.reconnecting import MAX_SILENCE, PING_EVERY, ReconnectingConnection
from worker.clock import Clock


class Broker:
    """The connections, and what is published over them.

    RabbitMQ closes the whole connection on which a channel more than a limit is opened. That must never be
    the one that consumes, and nothing but consuming opens channels there. And where its memory is short, it
    reads nothing from one that publishes.

    Attributes:
        asking: To look at queues, and to declare them.

    Args:
        url: The broker's, with one or more nodes.
        worker_id: As RabbitMQ's own pages show who it is; the nodes are tried in an order of its own.
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
        checked = in_turn(check_amqp_url(url), worker_id)
        name = f"kit-worker {worker_id}"
        self.consuming = ReconnectingConnection(
            checked, f"{name} consuming", clock=clock, ping_every=ping_every, max_silence=max_silence
        )
        self.publishing = ReconnectingConnection(
            checked, f"{name} publishing", clock=clock, ping_every=ping_every, publishes=True
        )
        self.asking = ReconnectingConnection(checked, f"{name} asking", clock=clock, ping_every=ping_every)
        self.publisher = Publisher(self.publishing)

    @property
    def problem(self) -> str:
        """Why one of the connections is not there, for people; empty while all are."""
        return self.consuming.problem or self.publishing.problem or self.asking.problem

    async def check_limit(self) -> None:
        """Return if RabbitMQ opens one more channel. If not, it closes only the connection that asks.

        Raises:
            BrokerUnavailable: It does not.
        """
        await close_quietly(await self.asking.open_channel())

    async def run(self) -> None:
        """Keep the connections up, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for connection in (self.consuming, self.publishing, self.asking):
                group.create_task(connection.run())
