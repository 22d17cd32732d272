"""Two supervised connections to RabbitMQ: one to consume, one to publish with confirms.

A connection that behaves oddly in any way is thrown away and built anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiormq
import structlog
from yarl import URL

from worker.broker.connection import (
    FAILURES,
    HEARTBEAT,
    answered_within,
    check_amqp_url,
    close_quietly,
    connect,
    mask_url,
)
from worker.broker.publisher import Publisher
from worker.broker.version import broker_version, version_warnings
from worker.clock import Seconds
from worker.errors import BrokerUnavailable
from worker.retry import backoff

PING_EVERY: Final = 5.0
MAX_RECONNECT_DELAY: Final = 5.0

log = structlog.get_logger()


class Link:
    """One connection, kept up for as long as `run` runs.

    Attributes:
        heard_at: Seconds; the broker is known to have been there at that moment. It is when the last
            answered question was asked, not when the answer was read: after a suspension, answers may lie
            in the socket that say nothing about now.
        problem: Why there is no connection, for people; empty while there is one.
        version: The broker's; empty before it is known.
    """

    def __init__(
        self,
        url: URL,
        name: str,
        *,
        clock: Seconds,
        random: Callable[[], float],
        tells_version: bool = False,
    ) -> None:
        self.heard_at = float("-inf")
        self.problem = "not connected yet"
        self.version = ""
        self._url = url
        self._name = name
        self._clock = clock
        self._random = random
        self._tells_version = tells_version
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
            async with answered_within():
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
                delay = min(backoff(failures, self._random()), MAX_RECONNECT_DELAY)
                log.warning("broker_unreachable", problem=self.problem, retry_in_s=round(delay, 1))
                await asyncio.sleep(delay)
                continue
            failures = 0
            try:
                await self._watch(connection)
            finally:
                self._connection = None
                await close_quietly(connection)

    async def _watch(self, connection: aiormq.abc.AbstractConnection) -> None:
        """Ask the broker something every few seconds, until it does not answer."""
        closing = connection.closing
        try:
            asked = self._clock()
            control = await self._bounded(connection.channel())
            while not closing.done():
                await self._bounded(control.basic_qos(prefetch_count=1))
                self.heard_at = asked
                self._note_up(connection)
                await asyncio.wait({closing}, timeout=PING_EVERY)
                asked = self._clock()
            why = _reason(closing)
        except FAILURES as error:
            why = str(error) or type(error).__name__
        self.problem = f"{mask_url(self._url)}: connection lost: {why}"
        log.warning("broker_lost", connection=self._name, problem=self.problem)

    def _note_up(self, connection: aiormq.abc.AbstractConnection) -> None:
        if self._connection is None:
            self._connection, self.problem = connection, ""
            self._up.set()
            log.info("broker_connected", connection=self._name)
            if self._tells_version:
                self._tell_version(connection)

    def _tell_version(self, connection: aiormq.abc.AbstractConnection) -> None:
        version = broker_version(connection.server_properties)
        if version != self.version:
            self.version = version
            for warning in version_warnings(version):
                log.warning("broker_version", connection=self._name, version=version, warning=warning)

    async def _bounded(self, command: Awaitable[Any]) -> Any:  # noqa: ANN401  # aiormq's own frames
        async with answered_within(HEARTBEAT):
            return await command


def _reason(closing: asyncio.Future[Any]) -> str:
    if closing.cancelled():
        return "closed"
    error = closing.exception()
    return "closed" if error is None else f"{type(error).__name__} {error}".strip()


class Broker:
    """Both links, and what is published over them."""

    def __init__(self, url: str, worker_id: str, *, clock: Seconds, random: Callable[[], float]) -> None:
        checked = check_amqp_url(url)
        self.consuming = Link(
            checked, f"kit-worker {worker_id} consuming", clock=clock, random=random, tells_version=True
        )
        self.publishing = Link(checked, f"kit-worker {worker_id} publishing", clock=clock, random=random)
        self.publisher = Publisher(self.publishing.channel)
        self._clock = clock

    def heard_within(self, seconds: float) -> bool:
        """Tell whether the broker is known to have been there so recently."""
        return self.consuming.is_up and self._clock() - self.consuming.heard_at < seconds

    async def run(self) -> None:
        """Keep both links up, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.consuming.run())
            group.create_task(self.publishing.run())
