"""A connection to RabbitMQ that is kept up: one that behaves oddly in any way is replaced by a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Final

import structlog
from aio_pika.abc import AbstractChannel
from yarl import URL

from worker.broker.address import HEARTBEAT
from worker.broker.connection import (
    FAILURES,
    Connection,
    OpensChannels,
    answered_within,
    close_quietly,
)
from worker.broker.nodes import Nodes
from worker.broker.version import version_warnings
from worker.clock import Clock
from worker.errors import BrokerUnavailable
from worker.outside.texts import line
from worker.retry import failures_after, pause

PING_EVERY: Final = 5.0
MAX_SILENCE: Final = 2.0 * HEARTBEAT
"""Seconds after which RabbitMQ may have given this worker's queues to another one."""
ALARM_PATIENCE: Final = 300.0
"""Seconds that a publishing connection waits for an answer; one that is dead ends by heartbeats before."""
MAX_RECONNECT_DELAY: Final = 5.0

log = structlog.get_logger()


class ReconnectingConnection(OpensChannels):
    """One connection, kept up for as long as `run` runs.

    Args:
        urls: Of the broker's nodes, checked.
        name: As RabbitMQ's own pages show the connection.
        clock: Tells when the broker was heard, and how long to wait before the next try.
        ping_every: Seconds between two questions to the broker.
        max_silence: Seconds for which an unheard broker is taken to be there.
        publishes: Whether it waits where no answer comes, since RabbitMQ reads nothing during an alarm from
            one that publishes; any other is dead then. It also tells what is good to know about the broker's
            version.

    Attributes:
        heard_at: Seconds; the broker is known to have been there at that moment. It is when the last
            answered question was asked, not when the answer was read: after a suspension, answers may lie
            in the socket that say nothing about now.
        message_came_at: Seconds; whoever consumes on it notes here when a message came. The answer to a
            question may lie in the socket behind many messages, of which a busy worker reads one after
            another: as long as some come, RabbitMQ is there.
        problem: Why there is no connection, for people; empty while there is one.
        version: The broker's; empty before it is known.
    """

    def __init__(
        self,
        urls: Iterable[URL],
        name: str,
        *,
        clock: Clock,
        ping_every: float = PING_EVERY,
        max_silence: float = MAX_SILENCE,
        publishes: bool = False,
    ) -> None:
        self.heard_at = self.message_came_at = float("-inf")
        self.problem = "not connected yet"
        self.version = ""
        self._nodes = Nodes(urls)
        self._name = name
        self._clock = clock
        self._ping_every = ping_every
        self._max_silence = max_silence
        self._patience = ALARM_PATIENCE if publishes else HEARTBEAT
        self._publishes = publishes
        self._connection: Connection | None = None
        self._up_since: float | None = None
        self._up = asyncio.Event()

    @property
    def is_up(self) -> bool:
        """Whether there is a connection."""
        return self._connection is not None and self._connection.is_up

    @property
    def is_heard(self) -> bool:
        """Whether the broker was there so recently that no other worker can have our queues."""
        return self.is_up and self._clock.monotonic() - self.heard_at < self._max_silence

    async def open_channel(self, *, confirms: bool = False) -> AbstractChannel:
        """Open a channel as `OpensChannels` says, waiting for a connection where there is none."""
        while not self.is_up:
            self._up.clear()
            await self._up.wait()
        if self._connection is None:
            raise BrokerUnavailable("the connection is gone")
        return await self._connection.open_channel(confirms=confirms)

    async def run(self) -> None:
        """Connect, watch, and connect again, until cancelled.

        A connection that is lost soon counts as one that failed: a broker may take a login, and then refuse
        the first channel.
        """
        failures = 0
        while True:
            event = await self._one_connection()
            failures = failures_after(failures, self._lived())
            delay = min(pause(failures, self._clock.random()), MAX_RECONNECT_DELAY)
            log.warning(event, connection=self._name, problem=self.problem, retry_in_s=round(delay, 1))
            await asyncio.sleep(delay)

    async def _one_connection(self) -> str:
        """Hold one connection for as long as it works; return the name of the log event for its end."""
        self._up_since = None
        try:
            connection = await self._nodes.connect(self._name)
        except BrokerUnavailable as error:
            self.problem = str(error)
            return "broker_unreachable"
        try:
            await self._watch(connection)
        finally:
            self._connection = None
            await close_quietly(connection)
        return "broker_lost"

    def _lived(self) -> float:
        """Return the seconds for which the last connection worked."""
        return 0.0 if self._up_since is None else self._clock.monotonic() - self._up_since

    async def _watch(self, connection: Connection) -> None:
        """Ask the broker something every few seconds, until it does not answer."""
        lost = connection.lost()
        try:
            asked = self._clock.monotonic()
            control = await connection.open_channel()
            while not lost.done():
                await self._answered(control.set_qos(prefetch_count=1), asked)
                self.heard_at = asked
                self._note_up(connection)
                await asyncio.wait({lost}, timeout=self._ping_every)
                asked = self._clock.monotonic()
            why = lost.result()
        except (*FAILURES, BrokerUnavailable) as error:
            why = str(error) or type(error).__name__
        self.problem = line(f"{connection.where}: connection lost: {why}")

    async def _answered(self, question: Coroutine[Any, Any, object], asked: float) -> None:
        """Return when RabbitMQ has answered.

        Raises:
            TimeoutError: For long neither the answer nor a message came.
        """
        asking = asyncio.ensure_future(question)
        try:
            async with answered_within(None):
                while not asking.done():
                    quiet_for = self._clock.monotonic() - max(asked, self.message_came_at)
                    if quiet_for >= self._patience:
                        raise TimeoutError(f"no answer within {self._patience:.0f} s")
                    await asyncio.wait({asking}, timeout=self._patience - quiet_for)
                asking.result()
        finally:
            asking.cancel()

    def _note_up(self, connection: Connection) -> None:
        if self._connection is None:
            self._connection, self.problem = connection, ""
            self._up_since = self._clock.monotonic()
            self._up.set()
            log.info("broker_connected", connection=self._name)
            if self._publishes:
                self._tell_version(connection.version)

    def _tell_version(self, version: str) -> None:
        if version != self.version:
            self.version = version
            for warning in version_warnings(version):
                log.warning("broker_version", connection=self._name, version=version, warning=warning)
