"""What all measurements share: a consumer works through a backlog, and what is waited for."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from tests.bench.consumers import WORKER, Consumer, Place
from tests.bench.databases import own_database
from tests.bench.life import Event
from tests.bench.model import final_states, plain_calls, wrong_people
from tests.bench.processes import Program, cpu_seconds, stand_in_process
from tests.bench.queues import Platform, platform
from tests.bench.stand_in import LATENCY, StandIn
from worker.consumer.report import ENDED

POLL: Final = 0.5
POLL_START: Final = 0.02
PATIENCE: Final = 240.0
"""Seconds after which whatever is awaited will not come."""


class MeasurementFailed(Exception):
    """A run did not go as it must for its figures to mean anything."""


@dataclass(frozen=True, slots=True)
class Drain:
    """One consumer's way through a backlog.

    Attributes:
        seconds: From its first call's arrival at Kit to the last call's answer.
        calls: To Kit, those before the first event included.
        wrong: People whose final state in Kit is not that of the model.
        cpu: Seconds of processor time of the consumer, from its first call on.
        kit_busy: Share of the time for which the stand-in kept a processor busy; near 1 it would be the
            bottleneck.
        refused: Calls that Kit did not answer with 2xx, by endpoint and status.
        left: Messages that came back to the queue when the consumer stopped, or are dead letters.
    """

    consumer: str
    events: int
    seconds: float
    calls: int
    wrong: int
    cpu: float
    kit_busy: float
    refused: Mapping[str, int]
    left: int

    @property
    def events_per_second(self) -> float:
        """How fast it was."""
        return self.events / self.seconds

    @property
    def calls_per_event(self) -> float:
        """How much of Kit's limit it took."""
        return self.calls / self.events

    @property
    def cpu_ms_per_event(self) -> float:
        """How much work an event was."""
        return self.cpu * 1000 / self.events


@dataclass(frozen=True, slots=True)
class Bench:
    """What a row is measured with: a stand-in for Kit, an exchange, a folder and a database of its own.

    Attributes:
        kit_pid: The process that stands in for Kit.
    """

    place: Place
    platform: Platform
    kit: StandIn
    kit_pid: int

    def another(self) -> AbstractAsyncContextManager[Bench]:
        """Open one for what is measured beside this, until the block ends."""
        return opened(self.place.amqp_url, self.place.folder, self.place.postgres_url)

    async def drain(
        self,
        consumer: Consumer,
        events: Sequence[Event],
        *,
        latency: float = LATENCY,
        limits: Mapping[str, int] | None = None,
    ) -> Drain:
        """Let a consumer work through a backlog.

        Args:
            consumer: Which.
            events: The backlog.
            latency: Seconds that each of Kit's answers takes.
            limits: See `StandIn.open_accounts`.

        Raises:
            MeasurementFailed: It did not get through.
            ProgramEnded: It ended by itself.
        """
        await self.kit.open_accounts(consumer.key, limits=limits, latency=latency)
        await self.fill(consumer, events)
        async with consumer.running() as running:
            with explaining(running):
                await self.first_call(running)
                kit_before, before = cpu_seconds(self.kit_pid), running.cpu_seconds()
                await self._settled(consumer, running, events)
                cpu, kit_cpu = running.cpu_seconds() - before, cpu_seconds(self.kit_pid) - kit_before
                calls, refused = await self.kit.calls(), await self.kit.refused()
                people = await self.kit.subscribers(consumer.key)
        seconds = max(call.ended for call in calls) - calls[0].arrived
        return Drain(
            consumer=consumer.name,
            events=len(events),
            seconds=seconds,
            calls=len(calls),
            wrong=len(wrong_people(final_states(events, consumer.mapped), people)),
            cpu=cpu,
            kit_busy=kit_cpu / seconds,
            refused=refused,
            left=await self.close(*consumer.queues),
        )

    async def fill(self, consumer: Consumer, events: Sequence[Event]) -> None:
        """Put events into a consumer's queue before it starts."""
        await self.platform.add_queue(consumer.queue, consumer.arguments)
        await self.platform.pour((event.type, event.body()) for event in events)
        await self.reached(consumer.queue, len(events))

    async def close(self, *queues: str) -> int:
        """Delete queues, and return how many messages were in them."""
        depths = [await self.platform.depth(queue) for queue in queues]
        await self.platform.delete_queues(*queues)
        return sum(depths)

    async def reached(self, queue: str, count: int) -> None:
        """Make sure that a queue holds its backlog; what was published may take a moment to count."""
        async with asyncio.timeout(PATIENCE):
            while await self.platform.depth(queue) < count:  # another process's
                await asyncio.sleep(POLL)

    async def first_call(self, running: Program) -> None:
        """Wait until Kit has answered something."""
        async with asyncio.timeout(PATIENCE):
            while not await self.kit.call_count():
                running.check()
                await asyncio.sleep(POLL_START)

    async def consumed(self, queue: str, running: Program) -> None:
        """Wait until a queue has a consumer."""
        async with asyncio.timeout(PATIENCE):
            while not await self.platform.consumers(queue):
                running.check()
                await asyncio.sleep(POLL_START)

    async def _settled(self, consumer: Consumer, running: Program, events: Sequence[Event]) -> None:
        """Wait until all is over: kit-worker says so of each event, and a rival has made all its calls."""
        calls = plain_calls(events)
        async with asyncio.timeout(PATIENCE):
            while (
                events_over(running) < len(events)
                if consumer.name == WORKER
                else await self.kit.write_count() < calls
            ):
                running.check()
                await asyncio.sleep(POLL)
            while await self.platform.depth(consumer.queue):
                await asyncio.sleep(POLL)
            await asyncio.sleep(POLL)  # the last acks are on their way


@asynccontextmanager
async def opened(amqp_url: str, folder: Path, postgres_url: str | None) -> AsyncIterator[Bench]:
    """Open a bench; nothing of it is left when the block ends but the folder.

    Args:
        amqp_url: The broker.
        folder: Where it makes its own folder.
        postgres_url: Of a database on the server where it makes its own; None: ledgers are SQLite files.
    """
    mark = secrets.token_hex(4)
    own = folder / mark
    own.mkdir()
    async with AsyncExitStack() as stack:
        kit_url, kit_pid = await stack.enter_async_context(stand_in_process())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        events = await stack.enter_async_context(platform(amqp_url, f"bench.events.{mark}"))
        database = await stack.enter_async_context(own_database(postgres_url)) if postgres_url else None
        place = Place(amqp_url, kit_url, events.exchange, own, database)
        yield Bench(place, events, StandIn(session, kit_url), kit_pid)


async def subscribed(accounts: int, running: Sequence[Program]) -> None:
    """Wait until each kit-worker has subscribed to so many accounts.

    Their logs tell: of a queue with a single active consumer, RabbitMQ 3.10 counts only that one.
    """
    for each in running:
        with explaining(each):
            async with asyncio.timeout(PATIENCE):
                while each.said('"event": "subscribed"') < accounts:
                    each.check()
                    await asyncio.sleep(POLL_START)


def events_over(running: Program) -> int:
    """Return how many events a kit-worker has ended, as its log says."""
    return running.said(*(f'"{name}"' for name in {*ENDED.values(), "event_dead_lettered"}))


@contextmanager
def explaining(running: Program) -> Iterator[None]:
    """Say, where waiting was in vain, what the program last wrote into its log."""
    try:
        yield
    except TimeoutError:
        text = f"Nothing more came of {running.log.stem}. The end of its log:\n{running.log_tail()}"
        raise MeasurementFailed(text) from None
