"""Two supervised connections to RabbitMQ: one to consume, one to publish with confirms.

They are aiormq connections, the layer under aio-pika: its robust connections hide a lost consumer, and its
messages raise on odd properties, where we need to see both. A connection that behaves oddly in any way is
thrown away and built anew.
"""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import aiormq
import structlog
from aiormq import spec
from yarl import URL

from worker import wire
from worker.clock import Seconds
from worker.errors import BrokerUnavailable, ConfigurationError, Problem
from worker.retry import backoff

HEARTBEAT: Final = 20
"""Seconds. RabbitMQ gives a silent worker's queues away after two of them."""
PING_EVERY: Final = 5.0
RPC_TIMEOUT: Final = 15.0
"""Seconds for connecting and for each command; aiormq itself waits for ever."""
CLOSE_TIMEOUT: Final = 3.0

log = structlog.get_logger()

FAILURES: Final = (aiormq.exceptions.AMQPError, OSError, TimeoutError, RuntimeError, EOFError, ValueError)
"""What aiormq raises when a connection or channel is gone, refused or broken."""


def check_amqp_url(url: str) -> URL:
    """Return the URL with our heartbeat.

    Raises:
        ConfigurationError: It is no AMQP URL, or asks for TLS without verification.
    """
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"amqp", "amqps"} or not parsed.host:
        raise ConfigurationError([Problem("AMQP_URL", "must look like amqp://user:password@host:5672/")])
    if "no_verify_ssl" in parsed.query:
        text = "no_verify_ssl would accept any server; give the CA's file with cafile=… instead"
        raise ConfigurationError([Problem("AMQP_URL", text)])
    return parsed.update_query(heartbeat=HEARTBEAT)


def mask_url(url: str | URL) -> str:
    """Return a URL as it may be shown, without its password and query."""
    parsed = URL(url)
    return str((parsed.with_password("***") if parsed.password else parsed).with_query(None))


async def connect(url: URL, name: str) -> aiormq.abc.AbstractConnection:
    """Open one connection, within `RPC_TIMEOUT`.

    Raises:
        BrokerUnavailable: With a sentence that names the broker and the likely cause, without the password.
    """
    wire.install()
    where = mask_url(url)
    try:
        async with asyncio.timeout(RPC_TIMEOUT):
            return await aiormq.connect(url.update_query(name=name))
    except aiormq.exceptions.AuthenticationError as error:
        raise BrokerUnavailable(f"{where}: refuses this user name and password") from error
    except aiormq.exceptions.ConnectionClosed as error:
        raise BrokerUnavailable(f"{where}: refuses the connection: {error}") from error
    except ssl.SSLError as error:
        raise BrokerUnavailable(f"{where}: TLS failed: {error.reason}") from error
    except TimeoutError as error:
        raise BrokerUnavailable(f"{where}: no answer within {RPC_TIMEOUT:.0f} s") from error
    except FAILURES as error:
        raise BrokerUnavailable(f"{where}: cannot be reached ({type(error).__name__})") from error


class Link:
    """One connection, kept up for as long as `run` runs.

    Attributes:
        heard_at: Seconds; the broker is known to have been there at that moment. It is when the last
            answered question was asked, not when the answer was read: after a suspension, answers may lie
            in the socket that say nothing about now.
        problem: Why there is no connection, for people; empty while there is one.
    """

    def __init__(self, url: URL, name: str, *, clock: Seconds, random: Callable[[], float]) -> None:
        self.heard_at = float("-inf")
        self.problem = "not connected yet"
        self._url = url
        self._name = name
        self._clock = clock
        self._random = random
        self._connection: aiormq.abc.AbstractConnection | None = None
        self._up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None and self._connection.is_opened

    async def channel(self, **options: bool) -> aiormq.abc.AbstractChannel:
        """Open a channel, waiting for a connection where there is none.

        Raises:
            BrokerUnavailable: The channel could not be opened.
        """
        while not self.is_up:
            self._up.clear()
            await self._up.wait()
        if self._connection is None:
            raise BrokerUnavailable("the connection is gone")
        try:
            async with asyncio.timeout(RPC_TIMEOUT):
                return await self._connection.channel(**options)
        except FAILURES as error:
            raise BrokerUnavailable(f"no channel could be opened: {type(error).__name__}") from error

    async def run(self) -> None:
        """Connect, watch, and connect again, until cancelled."""
        failures = 0
        while True:
            try:
                connection = await connect(self._url, self._name)
            except BrokerUnavailable as error:
                failures += 1
                self.problem = str(error)
                delay = min(backoff(failures, self._random()), 15.0)
                log.warning("broker_unreachable", problem=self.problem, retry_in_s=round(delay, 1))
                await asyncio.sleep(delay)
                continue
            failures = 0
            try:
                await self._watch(connection)
            finally:
                self._connection = None
                await _close_quietly(connection)

    async def _watch(self, connection: aiormq.abc.AbstractConnection) -> None:
        """Ask the broker something every few seconds, until it does not answer."""
        asked = self._clock()
        closing = connection.closing
        try:
            control = await self._bounded(connection.channel())
            while True:
                await self._bounded(control.basic_qos(prefetch_count=1))
                self.heard_at = asked
                if self._connection is None:
                    self._connection, self.problem = connection, ""
                    self._up.set()
                    log.info("broker_connected", connection=self._name)
                await asyncio.wait({closing}, timeout=PING_EVERY)
                if closing.done():
                    raise BrokerUnavailable(_reason(closing))
                asked = self._clock()
        except (*FAILURES, BrokerUnavailable) as error:
            self.problem = f"{mask_url(self._url)}: connection lost: {error or type(error).__name__}"
            log.warning("broker_lost", connection=self._name, problem=self.problem)

    async def _bounded(self, command: Awaitable[Any]) -> Any:  # noqa: ANN401  # aiormq's own frames
        async with asyncio.timeout(HEARTBEAT):
            return await command


def _reason(closing: asyncio.Future[Any]) -> str:
    if closing.cancelled():
        return "closed"
    error = closing.exception()
    return "closed" if error is None else f"{type(error).__name__} {error}".strip()


async def _close_quietly(connection: aiormq.abc.AbstractConnection) -> None:
    with suppress(*FAILURES, asyncio.CancelledError):
        async with asyncio.timeout(CLOSE_TIMEOUT):
            await connection.close()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish."""

    exchange: str
    routing_key: str
    body: bytes
    properties: dict[str, Any]


class Publisher:
    """Publishes on a link of its own, and returns only when the broker has the message safely.

    Acks on a connection that published during a memory alarm have no effect until the alarm ends, hence
    the separate link.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._channel: aiormq.abc.AbstractChannel | None = None
        self._lock = asyncio.Lock()

    async def publish(self, message: Outgoing, *, timeout: float = 10.0) -> None:  # noqa: ASYNC109  # sent on
        """Publish one message, mandatory and confirmed.

        Args:
            message: With a `message_id` that nobody else uses, or none: aiormq matches returned messages
                by it, and of two under one id the unroutable one would count as confirmed.
            timeout: Seconds, opening a channel included.

        Raises:
            BrokerUnavailable: Returned as unroutable, refused, or not confirmed in time. Of the last it is
                unknown whether the broker has it: publishing again may make two of it, never none.
        """
        properties = spec.Basic.Properties(**{"message_id": str(uuid.uuid4()), **message.properties})
        try:
            async with asyncio.timeout(timeout):
                channel = await self._open()
                await channel.basic_publish(
                    message.body,
                    exchange=message.exchange,
                    routing_key=message.routing_key,
                    properties=properties,
                    mandatory=True,
                )
        except aiormq.exceptions.PublishError as error:
            raise BrokerUnavailable(f"no queue takes messages for {_target(message)}") from error
        except aiormq.exceptions.DeliveryError as error:
            raise BrokerUnavailable(f"the queue behind {_target(message)} refused a message") from error
        except (*FAILURES, BrokerUnavailable) as error:
            await self._discard()
            raise BrokerUnavailable(
                f"{_target(message)} was not confirmed: {error or type(error).__name__}"
            ) from error

    async def _open(self) -> aiormq.abc.AbstractChannel:
        async with self._lock:
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._link.channel(publisher_confirms=True, on_return_raises=True)
            return self._channel

    async def _discard(self) -> None:
        """Leave a channel on which something is unanswered; its answers would be taken for later ones."""
        channel, self._channel = self._channel, None
        if channel is not None and not channel.is_closed:
            with suppress(*FAILURES):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await channel.close()


def _target(message: Outgoing) -> str:
    return f"the exchange {message.exchange!r} with key {message.routing_key!r}"


class Broker:
    """Both links, and what is published over them."""

    def __init__(self, url: str, worker_id: str, *, clock: Seconds, random: Callable[[], float]) -> None:
        checked = check_amqp_url(url)
        self.consuming = Link(checked, f"kit-worker {worker_id} consuming", clock=clock, random=random)
        self.publishing = Link(checked, f"kit-worker {worker_id} publishing", clock=clock, random=random)
        self.publisher = Publisher(self.publishing)
        self._clock = clock

    def heard_within(self, seconds: float) -> bool:
        """Tell whether the broker is known to have been there so recently."""
        return self.consuming.is_up and self._clock() - self.consuming.heard_at < seconds

    async def run(self) -> None:
        """Keep both links up, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.consuming.run())
            group.create_task(self.publishing.run())
