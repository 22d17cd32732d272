"""One account's consumer: takes messages in, keeps what is unsettled, and acks. The only file that acks."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

import aiormq
import structlog
from aiormq import spec
from aiormq.abc import DeliveredMessage

from worker.broker.connection import CLOSE_TIMEOUT, FAILURES, answered_within, close_quietly
from worker.broker.link import Link
from worker.broker.topology import consumer_priority, work_queue
from worker.clock import Seconds
from worker.consumer.acks import acks
from worker.consumer.report import Delivery
from worker.errors import BrokerUnavailable
from worker.events.event import Event

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
        self._done: set[int] = set()

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

    async def ack(self, deliveries: Iterable[Delivery]) -> set[int]:
        """Tell the broker that messages are done; never on another channel than their own.

        Returns:
            The tags of those of which it was told: the ack was written, which does not mean that the broker
            has it; or `close` will write it, once no more messages are taken in, as the broker would send
            another for each, only to get it back. The others come again, and are applied again, which
            changes nothing in Kit.
        """
        if not self._may_ack or self.lost:
            return set()
        done = {each.tag for each in deliveries} & self.unsettled.keys()
        if self._ended:
            self._done |= done
        else:
            done = await self._write_acks(done)
        for tag in done:
            del self.unsettled[tag]
        return done

    async def _write_acks(self, done: Collection[int]) -> set[int]:
        """Return those that were written; with the first one that cannot be, the channel is over."""
        written = set[int]()
        if self._channel is None:
            return written
        oldest_open = next((tag for tag in self.unsettled if tag not in done), None)
        for ack in acks(done, oldest_open):
            try:
                await self._channel.basic_ack(ack.tag, multiple=ack.multiple, wait=False)
            except FAILURES as error:
                log.info("ack_lost", account=self._account, error=type(error).__name__)
                self._end(End.CHANNEL_LOST)
                break
            written |= {tag for tag in done if tag <= ack.tag} if ack.multiple else {ack.tag}
        return written

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
        if not self.lost:
            await self._write_acks(self._done)
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
