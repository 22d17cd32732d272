"""A channel that consumes: it hands deliveries over, acks them by their tags, and tells once when it ends."""

from __future__ import annotations

from functools import partial
from typing import Protocol, Self

from aio_pika.abc import AbstractChannel
from aiormq.abc import AbstractChannel as RawChannel
from aiormq.abc import DeliveredMessage

from worker.broker.connection import FAILURES, OpensChannels, answered_within, close_quietly
from worker.broker.frames import read_delivery
from worker.clock import Clock
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery


class Receiver(Protocol):
    """Whoever consumes."""

    async def receive(self, delivery: Delivery) -> None:
        """Take a message in. It must not wait for anything: closing the channel cancels it."""

    def channel_ended(self, *, cancelled: bool) -> None:
        """Hear, once, that no more messages come.

        Args:
            cancelled: RabbitMQ ended the consumer, as the queue is gone; otherwise the channel is closed.
        """


class ConsumerChannel:
    """One channel, and what is consumed on it.

    Consuming, acks and RabbitMQ's own `basic.cancel` go by the channel of the layer under aio-pika.
    aio-pika's `consume` makes an `IncomingMessage` of each message, which raises on a delivery mode or an
    expiration that it does not know: nobody would see that message, and it would stay unacked. It acks only
    through that object, and waits for the socket each time. And it tells nobody of a `basic.cancel`.
    """

    def __init__(self, channel: AbstractChannel, raw_channel: RawChannel, clock: Clock) -> None:
        self._channel = channel
        self._raw_channel = raw_channel
        self._clock = clock
        self._receiver: Receiver | None = None
        channel.close_callbacks.add(lambda *_: self._end(cancelled=False))
        raw_channel.on_consumer_cancel_callbacks.add(lambda _: self._end(cancelled=True))

    @classmethod
    async def open(cls, connection: OpensChannels, clock: Clock) -> Self:
        """Open a channel.

        Raises:
            BrokerUnavailable: It could not be opened.
        """
        channel = await connection.open_channel()
        return cls(channel, await channel.get_underlay_channel(), clock)

    @property
    def is_closed(self) -> bool:
        """Whether it is gone, so that what came on it and is not acked will be delivered again."""
        return self._channel.is_closed

    async def consume(
        self,
        receiver: Receiver,
        queue: str,
        *,
        prefetch: int,
        tag: str | None = None,
        priority: int | None = None,
    ) -> None:
        """Begin to consume a queue.

        Args:
            receiver: Takes the messages; the same for all consumers of one channel.
            queue: Its name.
            prefetch: How many messages this consumer may hold; one that began before keeps its own number.
            tag: What RabbitMQ's own pages show; None lets the library make one up.
            priority: RabbitMQ prefers consumers with a higher one; None is 0.

        Raises:
            BrokerUnavailable: It could not.
        """
        self._receiver = receiver
        receive = partial(self._receive, receiver)
        try:
            async with answered_within():
                # Not global: RabbitMQ 4.3 refuses that, and quorum queues never had it.
                await self._channel.set_qos(prefetch_count=prefetch, global_=False)
                await self._raw_channel.basic_consume(
                    queue,
                    receive,
                    arguments=None if priority is None else {"x-priority": priority},
                    consumer_tag=tag,
                )
        except FAILURES as error:
            raise _failed(f"consuming {queue}", error) from error

    async def ack(self, tag: int, *, multiple: bool = False, wait: bool = False) -> None:
        """Send an ack, which does not mean that the broker has it.

        Args:
            tag: The delivery's.
            multiple: All deliveries before that one are meant, too.
            wait: Return once the socket has taken it.

        Raises:
            BrokerUnavailable: The channel is gone.
        """
        try:
            async with answered_within():
                await self._raw_channel.basic_ack(tag, multiple=multiple, wait=wait)
        except FAILURES as error:
            raise _failed("an ack", error) from error

    async def requeue(self, tag: int) -> None:
        """Hand back one message before the channel closes; see `ack` for what that means.

        Args:
            tag: The delivery's.

        Raises:
            BrokerUnavailable: The channel is gone.
        """
        try:
            async with answered_within():
                await self._raw_channel.basic_nack(tag, requeue=True, wait=True)
        except FAILURES as error:
            raise _failed("a nack", error) from error

    async def cancel(self, tag: str, *, within: float) -> None:
        """End a consumer, and return when no more messages come.

        Raises:
            BrokerUnavailable: RabbitMQ did not answer within so many seconds.
        """
        try:
            async with answered_within(within):
                await self._raw_channel.basic_cancel(tag)
        except FAILURES as error:
            raise _failed("ending a consumer", error) from error

    async def close(self) -> None:
        """Close the channel, which hands back whatever is not acked."""
        await close_quietly(self._channel)

    async def _receive(self, receiver: Receiver, raw: DeliveredMessage) -> None:
        since, received_at = self._clock.monotonic(), self._clock.now()
        await receiver.receive(read_delivery(raw, received_at=received_at, since=since))

    def _end(self, *, cancelled: bool) -> None:
        receiver, self._receiver = self._receiver, None  # it is told once
        if receiver is not None:
            receiver.channel_ended(cancelled=cancelled)


def _failed(what: str, error: BaseException) -> BrokerUnavailable:
    return BrokerUnavailable(f"{what} failed: {error or type(error).__name__}")
