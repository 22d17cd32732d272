"""One account's consumer: takes messages in, keeps what is unsettled, and acks. The only file that acks."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

import aiormq
import structlog
from aiormq import spec
from aiormq.abc import DeliveredMessage

from worker.amqp import CLOSE_TIMEOUT, FAILURES, answered_within, close_quietly
from worker.broker import Link
from worker.clock import Seconds
from worker.delivery import Delivery
from worker.errors import BrokerUnavailable
from worker.events import Event
from worker.topology import consumer_priority, work_queue

log = structlog.get_logger()


class End(StrEnum):
    """Why a session ended."""

    STOPPED = "stopped"
    CHANNEL_LOST = "channel_lost"
    QUEUE_GONE = "queue_gone"
    CREDENTIAL_REFUSED = "credential_refused"
    GREW_OLD = "grew_old"
    FENCED = "fenced"
    PAUSED = "paused"
    RECONNECTED = "reconnected"
    RESIZE = "resize"
    REBIND = "rebind"


class Consumer:
    """The consumer of one channel.

    A message is never nacked, rejected or requeued: on RabbitMQ 4.0 and 4.1 that can leave a queue with a
    better consumer waiting without any (rabbitmq-server #14141). Closing the channel hands messages back.

    Args:
        account: Whose work queue it consumes.
        on_delivery: Is given each message in hand.
        on_end: Is told why no more will come.

    Attributes:
        prefetch: How many messages it may hold.
        unsettled: What it holds, oldest first, by the channel's number for it.
        last_delivery: Seconds; when a message last came.
    """

    def __init__(
        self,
        account: str,
        *,
        on_delivery: Callable[[Delivery], Awaitable[None]],
        on_end: Callable[[End], None],
        clock: Seconds,
        now: Callable[[], datetime],
    ) -> None:
        self.prefetch = 0
        self.unsettled: dict[int, Delivery] = {}
        self.last_delivery = float("-inf")
        self._account = account
        self._on_delivery = on_delivery
        self._on_end = on_end
        self._clock = clock
        self._now = now
        self._channel: aiormq.abc.AbstractChannel | None = None
        self._tag = ""
        self._may_ack = True
        self._ended = False
        self._done: list[Delivery] = []

    @property
    def oldest_age(self) -> float:
        """Seconds for which the oldest unsettled message has been in hand; 0 where there is none."""
        oldest = next(iter(self.unsettled.values()), None)
        return self._clock() - oldest.since if oldest else 0.0

    @property
    def lost(self) -> bool:
        """Whether the channel is gone, so that what is in hand will be delivered again, perhaps elsewhere."""
        return self._channel is None or self._channel.is_closed

    async def subscribe(self, link: Link, worker_id: str, prefetch: int) -> None:
        """Open a channel and consume.

        Raises:
            BrokerUnavailable: The channel could not be set up.
        """
        queue = work_queue(self._account)
        self.prefetch = prefetch
        self._channel = channel = await link.channel(publisher_confirms=False)
        channel.closing.add_done_callback(lambda _: self._end(End.CHANNEL_LOST))
        channel.on_consumer_cancel_callbacks.add(self._on_cancel)
        priority = consumer_priority(worker_id, self._account)
        self._tag = f"{worker_id}-{uuid.uuid4().hex[:12]}"[-255:]
        try:
            async with answered_within():
                # Not global: RabbitMQ 4.3 refuses that, and quorum queues never had it.
                await channel.basic_qos(prefetch_count=prefetch, global_=False)
                await channel.basic_consume(
                    queue,
                    self._on_message,
                    arguments={"x-priority": priority},
                    consumer_tag=self._tag,
                )
        except FAILURES as error:
            await close_quietly(channel)
            raise BrokerUnavailable(f"consuming {queue} failed: {error or type(error).__name__}") from error
        log.info("subscribed", account=self._account, prefetch=prefetch, priority=priority)

    def know(self, delivery: Delivery, event: Event) -> Delivery:
        """Note what an unsettled message says."""
        known = self.unsettled[delivery.tag] = replace(delivery, event=event)
        return known

    def latest(self, delivery: Delivery) -> Delivery:
        """Return what is known of a message by now."""
        return self.unsettled.get(delivery.tag, delivery)

    async def ack(self, delivery: Delivery) -> bool:
        """Tell the broker that a message is done; one by one, and never on another channel than its own.

        False means that it comes again, and is applied again, which changes nothing in Kit. True means that
        the ack was written, not that the broker has it; or that `close` will write it, once no more messages
        are taken in: the broker would send another for each, only to get it back.
        """
        if not self._may_ack or self.lost or delivery.tag not in self.unsettled:
            return False
        if self._ended:
            self._done.append(delivery)
        elif not await self._write_ack(delivery):
            return False
        del self.unsettled[delivery.tag]
        return True

    async def _write_ack(self, delivery: Delivery) -> bool:
        if self._channel is None:
            return False
        try:
            await self._channel.basic_ack(delivery.tag, wait=False)
        except FAILURES as error:
            log.info("ack_lost", account=self._account, error=type(error).__name__)
            self._end(End.CHANNEL_LOST)
            return False
        return True

    def stop_acking(self) -> None:
        """Leave what is unsettled to whoever gets it next."""
        self._may_ack = False

    async def close(self) -> None:
        """Ack what is done, and close the channel, which hands back whatever is unsettled.

        What is handed back goes behind everything that was handed back before and waits still (tried on
        RabbitMQ 3.10). So where all that the broker may send is in hand and done, nothing must be on
        its way when the channel closes: it sends no more once it has confirmed the cancel.
        """
        if self._channel is None:
            return
        if not self.lost and self._done and len(self._done) == self.prefetch:
            with suppress(*FAILURES):
                async with answered_within(CLOSE_TIMEOUT):
                    await self._channel.basic_cancel(self._tag)
        for delivery in self._done:
            if self.lost or not await self._write_ack(delivery):
                break
        await close_quietly(self._channel)

    def _end(self, why: End) -> None:
        self._ended = True
        self._on_end(why)

    def end(self) -> None:
        """Take no more messages in; those that still come go back with the channel."""
        self._ended = True

    def _on_cancel(self, _frame: spec.Basic.Cancel) -> None:
        self._end(End.QUEUE_GONE)

    async def _on_message(self, message: DeliveredMessage) -> None:
        if self._ended:
            return
        self.last_delivery = self._clock()
        delivery = Delivery(message, self._now(), self.last_delivery)
        self.unsettled[delivery.tag] = delivery
        await self._on_delivery(delivery)
