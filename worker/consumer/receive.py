"""One account's consumer: receives messages, holds what is unsettled, and acks. No other file acks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import suppress
from typing import Final

import structlog

from worker.broker.broker import Broker
from worker.broker.connection import CLOSE_TIMEOUT
from worker.broker.consuming import ConsumerChannel
from worker.broker.topology import consumer_priority, work_queue
from worker.clock import Clock
from worker.consumer.acks import acks
from worker.consumer.end import End
from worker.consumer.prefetch import Prefetch
from worker.consumer.room import Room, Share
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery

log = structlog.get_logger()

RECHECK: Final = 0.5
"""Seconds between two looks at a condition that announces itself to nobody."""
FINISH_WITHIN: Final = 60.0
"""Seconds for which a session that is to hold more waits until it has nothing to hand back."""


class Consumer:
    """The consumer of one channel.

    A message is never nacked, rejected or requeued: on RabbitMQ 4.0 and 4.1 that can leave a queue with a
    better consumer waiting without any (rabbitmq-server #14141). Closing the channel hands messages back.

    Args:
        account: Whose work queue it consumes.
        broker: Both connections.
        worker_id: Names this worker.
        prefetch: As the session before has left it.
        room: For the messages of all accounts.

    Attributes:
        clock: Tells when a message came; it may be wrong.
        prefetch: How many messages it may hold, and with how much care; the next session goes on from it.
        window: How many it may hold now, as RabbitMQ was told.
        share: What that takes of the room, and how much was settled.
        unsettled: What it holds, oldest first, by the channel's number for it.
        delivered: Those of them that intake has not taken yet.
        last_delivery: Seconds; when a message last came.
        last_old: Seconds; when a message last came that may not be the queue's newest: it came again, or with
            it as many were held as may be. What came later is new: nothing older comes after it.
        came: Is set whenever a message has come, and when no more are taken in; whoever waits for the next
            one clears it.
        ended: Why no more messages are taken in, once that is so; the first reason stands.
        is_fenced: Whether nothing may be done for the account any more.
    """

    def __init__(
        self, account: str, broker: Broker, worker_id: str, prefetch: Prefetch, room: Room, clock: Clock
    ) -> None:
        self.prefetch = prefetch
        self.window = prefetch.count
        self.share = Share(room, self, self.window)
        self.unsettled: dict[int, Delivery] = {}
        self.delivered: list[Delivery] = []
        self.last_delivery = self.last_old = float("-inf")
        self.came = asyncio.Event()
        self.ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self.is_fenced = False
        self._account = account
        self._broker = broker
        self._worker_id = worker_id
        self.clock = clock
        self._came = asyncio.Event()
        self._channel: ConsumerChannel | None = None
        self._tag = f"{worker_id}-{uuid.uuid4().hex[:12]}"[-255:]
        self._may_ack = True
        self._done: set[int] = set()
        self._grows_by: float | None = None

    # -- receiving ------------------------------------------------------------------------------------

    async def subscribe(self) -> None:
        """Open a channel and consume.

        Raises:
            BrokerUnavailable: The channel could not be set up.
        """
        priority = consumer_priority(self._worker_id, self._account)
        await self._broker.check_limit()
        self._channel = await ConsumerChannel.open(self._broker.consuming, self.clock)
        try:
            await self._channel.consume(
                self, work_queue(self._account), prefetch=self.window, tag=self._tag, priority=priority
            )
        except BrokerUnavailable:
            await self._channel.close()
            raise
        log.info("subscribed", account=self._account, prefetch=self.window, priority=priority)

    async def receive(self, delivery: Delivery) -> None:
        """Take a message in; see `Receiver`."""
        self._broker.consuming.message_came_at = delivery.since
        if self.ended.done():
            return  # it goes back with the channel
        self.last_delivery = delivery.since
        if self.prefetch.suspects(delivery.count):
            log.warning("redelivered_often", account=self._account, deliveries=delivery.count)
            self.end(End.REDELIVERED)
            return
        self.unsettled[delivery.tag] = delivery
        self.delivered.append(delivery)
        if delivery.redelivered or self.is_full:
            self.last_old = delivery.since
        self.share.take(delivery)
        self._came.set()
        self.came.set()

    def take(self, most: int) -> list[Delivery]:
        """Return the oldest messages that were not taken yet."""
        taken = self.delivered[:most]
        del self.delivered[:most]
        return taken

    async def something_delivered(self) -> None:
        """Wait until there is something to take."""
        while not self.delivered:
            self._came.clear()
            await self._came.wait()

    def end(self, why: End) -> None:
        """Take no more messages in; those that still come go back with the channel."""
        if not self.ended.done():
            self.ended.set_result(why)
            self.came.set()

    def make_room(self) -> None:
        """Hold fewer messages from now on; see `Holder`."""
        self.prefetch = self.prefetch.after_taking_too_much(self.share.fit)
        log.warning(
            "messages_too_large", account=self._account, bytes=self.share.held, prefetch=self.prefetch.count
        )
        self.end(End.RESIZE)

    @property
    def is_full(self) -> bool:
        """Whether it holds as many messages as it may, those without an ack included: more may wait then."""
        return len(self.unsettled) + len(self._done) >= self.window

    def grow(self) -> None:
        """Let the next session hold more, where that is known to do no harm.

        This one ends once all that it holds is done. Handed back, it would come behind what was handed back
        before.
        """
        now = self.clock.monotonic()
        if self._grows_by is None:  # else it grew already, and once is enough for one session
            if not self.unsettled:
                self.prefetch = self.prefetch.at_rest()
            if self.share.settled >= self.window:
                self.prefetch = self.prefetch.after_settling_all(self.share.most)
            if self.prefetch.count <= self.window:
                return
            self._grows_by = now + FINISH_WITHIN
        if not self.unsettled or now >= self._grows_by:
            self.end(End.RESIZE)

    def channel_ended(self, *, cancelled: bool) -> None:
        """Hear that no more messages come; see `Receiver`."""
        self.end(End.QUEUE_GONE if cancelled else End.CHANNEL_LOST)

    @property
    def oldest_age(self) -> float:
        """Seconds for which the oldest unsettled message has been in hand; 0 where there is none."""
        oldest = next(iter(self.unsettled.values()), None)
        return self.clock.monotonic() - oldest.since if oldest else 0.0

    # -- whose the account is -------------------------------------------------------------------------

    @property
    def lost(self) -> bool:
        """Whether the channel is gone, so that what is in hand will be delivered again, perhaps elsewhere."""
        return self._channel is None or self._channel.is_closed

    @property
    def is_heard(self) -> bool:
        """Whether the broker was heard lately, so that it cannot have given the queue to another worker."""
        return self._broker.consuming.is_heard

    @property
    def is_ours(self) -> bool:
        """Whether the account is surely this session's."""
        return not self.is_fenced and self.is_heard

    async def surely_ours(self) -> None:
        """Wait until the account is surely this session's."""
        while not self.is_ours:  # noqa: ASYNC110  # it announces itself to nobody
            await asyncio.sleep(RECHECK)

    def fence(self) -> None:
        """Let nothing more be done for the account: another worker may have it."""
        self.is_fenced = True

    # -- acks -----------------------------------------------------------------------------------------

    async def ack(self, deliveries: Iterable[Delivery], *, in_a_row: bool = False) -> AsyncIterator[set[int]]:
        """Tell the broker that messages are done; never on another channel than their own.

        Args:
            deliveries: Those that are done.
            in_a_row: Only of those that came before all that is not done, for which one ack is enough; the
                others have theirs with a later call.

        Yields:
            Again and again, the tags of those of which it was just told: the ack was written, which does not
            mean that the broker has it; or `close` will write it, once no more messages are wanted, as the
            broker would send another for each, only to get it back. Those that are never yielded come again,
            and are applied again, which changes nothing in Kit.
        """
        if not self._may_ack or self.lost:
            return
        done = {each.tag for each in deliveries} & self.unsettled.keys()
        if in_a_row and (oldest_open := self._oldest_besides(done)) is not None:
            done = {tag for tag in done if tag < oldest_open}
        if self.ended.done() or self._grows_by is not None:
            self._done |= done
            self._settled(done)
            if not self.unsettled:
                self.end(End.RESIZE)
            yield done
            return
        async for written in self._write_acks(done):
            self._settled(written)
            yield written

    def _oldest_besides(self, done: Collection[int]) -> int | None:
        """Return the tag of the message that is in hand for longest, of those that are not done."""
        return next((tag for tag in self.unsettled if tag not in done), None)

    def _settled(self, done: Iterable[int]) -> None:
        for tag in done:
            self.share.settle(self.unsettled.pop(tag))

    async def _write_acks(self, done: Collection[int]) -> AsyncIterator[set[int]]:
        """Yield those that were written; with the first one that cannot be, the channel is over."""
        if self._channel is None:
            return
        for ack in acks(done, self._oldest_besides(done)):
            try:
                await self._channel.ack(ack.tag, multiple=ack.multiple)
            except BrokerUnavailable as error:
                log.info("ack_lost", account=self._account, error=str(error))
                self.end(End.CHANNEL_LOST)
                return
            yield {tag for tag in done if tag <= ack.tag} if ack.multiple else {ack.tag}

    def stop_acking(self) -> None:
        """Leave what is unsettled to whoever gets it next."""
        self._may_ack = False

    async def close(self) -> None:
        """Ack what is done, and close the channel, which hands back whatever is unsettled.

        What is handed back goes behind everything that was handed back before and waits still (tried on
        RabbitMQ 3.10). So where all that the broker may send is in hand and done, nothing must be on
        its way when the channel closes: it sends no more once it has confirmed the cancel.
        """
        self.share.close()
        if self._channel is None:
            return
        if not self.lost and self._done and len(self._done) == self.window:
            with suppress(BrokerUnavailable):
                await self._channel.cancel(self._tag, within=CLOSE_TIMEOUT)
        if not self.lost:
            async for _ in self._write_acks(self._done):
                pass  # nobody is told anew
        await self._channel.close()
