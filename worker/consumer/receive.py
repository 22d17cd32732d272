"""One account's consumer: takes messages in, keeps what is unsettled, and acks. The only file that acks."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Collection, Iterable
from contextlib import suppress
from enum import StrEnum

import structlog

from worker.broker.connection import CLOSE_TIMEOUT, OpensChannels
from worker.broker.consuming import ConsumerChannel
from worker.broker.topology import consumer_priority, work_queue
from worker.clock import Clock
from worker.consumer.acks import acks
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery

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
        clock: Clock,
    ) -> None:
        self.prefetch = 0
        self.unsettled: dict[int, Delivery] = {}
        self.last_delivery = float("-inf")
        self._account = account
        self._on_delivery = on_delivery
        self._on_end = on_end
        self._clock = clock
        self._channel: ConsumerChannel | None = None
        self._tag = ""
        self._may_ack = True
        self._ended = False
        self._done: set[int] = set()

    @property
    def oldest_age(self) -> float:
        """Seconds for which the oldest unsettled message has been in hand; 0 where there is none."""
        oldest = next(iter(self.unsettled.values()), None)
        return self._clock.monotonic() - oldest.since if oldest else 0.0

    @property
    def lost(self) -> bool:
        """Whether the channel is gone, so that what is in hand will be delivered again, perhaps elsewhere."""
        return self._channel is None or self._channel.is_closed

    async def subscribe(self, connection: OpensChannels, worker_id: str, prefetch: int) -> None:
        """Open a channel and consume.

        Raises:
            BrokerUnavailable: The channel could not be set up.
        """
        queue = work_queue(self._account)
        priority = consumer_priority(worker_id, self._account)
        self.prefetch = prefetch
        self._tag = f"{worker_id}-{uuid.uuid4().hex[:12]}"[-255:]
        self._channel = channel = await ConsumerChannel.open(connection, self._clock)
        try:
            await channel.consume(self, queue, prefetch=prefetch, tag=self._tag, priority=priority)
        except BrokerUnavailable:
            await channel.close()
            raise
        log.info("subscribed", account=self._account, prefetch=prefetch, priority=priority)

    async def receive(self, delivery: Delivery) -> None:
        """Take a message in hand."""
        if self._ended:
            return
        self.last_delivery = delivery.since
        self.unsettled[delivery.tag] = delivery
        await self._on_delivery(delivery)

    def ended(self, *, cancelled: bool) -> None:
        """Hear that no more messages come."""
        self._end(End.QUEUE_GONE if cancelled else End.CHANNEL_LOST)

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
                await self._channel.ack(ack.tag, multiple=ack.multiple)
            except BrokerUnavailable as error:
                log.info("ack_lost", account=self._account, error=str(error))
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
            with suppress(BrokerUnavailable):  # then some may change their places, and none is lost
                await self._channel.cancel(self._tag, within=CLOSE_TIMEOUT)
        if not self.lost:
            await self._write_acks(self._done)
        await self._channel.close()

    def _end(self, why: End) -> None:
        self._ended = True
        self._on_end(why)

    def end(self) -> None:
        """Take no more messages in; those that still come go back with the channel."""
        self._ended = True
