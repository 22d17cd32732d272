"""The measurements: a backlog and idle events for either consumer, memory for kit-worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.consumers import Consumer
from tests.bench.life import backlog, many, newcomers
from tests.bench.model import final_states, wrong_people
from tests.bench.processes import Program, cpu_seconds
from tests.bench.queues import Platform
from tests.bench.stand_in import StandIn, writes

POLL: Final = 0.5
POLL_START: Final = 0.05
QUIET_POLLS: Final = 3
"""So many looks in a row without a further call mean that it is over; an answer takes 20 ms."""
PATIENCE: Final = 180.0
"""Seconds after which whatever is awaited will not come."""

WARM_UPS: Final = 5
IDLE_EVENTS: Final = 40
IDLE_PAUSE: Final = 0.1
CALLS_PER_IDLE_EVENT: Final = 2

MEMORY_SECONDS: Final = 20.0
API_KEY_LIMIT: Final = 120


class MeasurementFailed(Exception):
    """A run did not go as it must for its figures to mean anything."""


@dataclass(frozen=True, slots=True)
class BacklogRun:
    """One consumer's way through the backlog.

    Attributes:
        events_per_second: From the first write's arrival at Kit to the last call's answer.
        wrong: People whose final state in Kit is not that of the model.
        cpu_ms_per_event: Processor time of the consumer, from its first call on.
        kit_busy: Share of the time for which the stand-in kept a processor busy; near 1 it would be the
            bottleneck.
        refused: Calls that Kit did not answer with 2xx, by endpoint and status.
        left: Messages that came back to the queue when the consumer stopped, or are dead letters.
        idle_ms: Of each idle event, from before it was published to its last answer.
    """

    consumer: str
    events_per_second: float
    calls_per_event: float
    wrong: int
    cpu_ms_per_event: float
    kit_busy: float
    refused: dict[str, int]
    left: int
    idle_ms: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MemoryRun:
    """kit-worker's peak memory, in MB of 1,000,000 bytes, over a backlog that stays.

    Attributes:
        left: Messages still in the queue when the worker stopped.
    """

    messages: int
    left: int
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share.

    Attributes:
        folder: Where programs run and logs go.
    """

    platform: Platform
    kit: StandIn
    kit_pid: int
    folder: Path

    async def backlog(self, consumer: Consumer, *, idle: bool) -> BacklogRun:
        """Let a consumer work through the backlog and, if asked, measure idle events after it.

        Raises:
            MeasurementFailed: It did not get through.
            ProgramEnded: It ended by itself.
        """
        events = backlog()
        await self._open(consumer, limit=None)
        await self.platform.publish(events)
        await self._reached(consumer, len(events))
        async with consumer.running(self.folder) as running:
            with _explaining(running):
                await self._first_call(running)
                kit_before, before = cpu_seconds(self.kit_pid), running.cpu_seconds()
                await self._settled(consumer, running)
                cpu, kit_cpu = running.cpu_seconds() - before, cpu_seconds(self.kit_pid) - kit_before
                calls, refused = await self.kit.calls(), await self.kit.refused()
                people = await self.kit.subscribers()
                idle_ms = await self._idle() if idle else ()
        seconds = max(call.ended for call in calls) - writes(calls)[0].arrived
        return BacklogRun(
            consumer=consumer.name,
            events_per_second=len(events) / seconds,
            calls_per_event=len(calls) / len(events),
            wrong=len(wrong_people(final_states(events), people)),
            cpu_ms_per_event=cpu * 1000 / len(events),
            kit_busy=kit_cpu / seconds,
            refused=refused,
            left=await self._close(consumer),
            idle_ms=idle_ms,
        )

    async def memory(self, consumer: Consumer, messages: int) -> MemoryRun:
        """Let kit-worker consume for a while, within Kit's limit, with so many messages waiting.

        Raises:
            MeasurementFailed: It did not begin.
            ProgramEnded: It ended by itself.
        """
        await self._open(consumer, limit=API_KEY_LIMIT)
        await self.platform.pour(many(messages))
        await self._reached(consumer, messages)
        async with consumer.running(self.folder) as running:
            with _explaining(running):
                await self._first_call(running)
                await asyncio.sleep(MEMORY_SECONDS)
                running.check()
                peak = running.peak_megabytes()
        return MemoryRun(messages, await self._close(consumer), peak)

    async def _open(self, consumer: Consumer, *, limit: int | None) -> None:
        await self.kit.open_account(consumer.key, limit=limit)
        await self.platform.add_queue(consumer.queue, dict(consumer.arguments))

    async def _close(self, consumer: Consumer) -> int:
        """Delete the consumer's queues, and return how many messages were in them."""
        depths = [await self.platform.depth(queue) for queue in consumer.queues]
        await self.platform.delete_queues(*consumer.queues)
        return sum(depths)

    async def _reached(self, consumer: Consumer, count: int) -> None:
        """Make sure that the queue holds the backlog; what was published may take a moment to count."""
        async with asyncio.timeout(PATIENCE):
            while await self.platform.depth(consumer.queue) < count:  # another process's
                await asyncio.sleep(POLL)

    async def _first_call(self, running: Program) -> None:
        async with asyncio.timeout(PATIENCE):
            while not await self.kit.call_count():
                running.check()
                await asyncio.sleep(POLL_START)

    async def _settled(self, consumer: Consumer, running: Program) -> None:
        """Wait until the queue is empty and no further call comes."""
        counts: list[int] = []
        async with asyncio.timeout(PATIENCE):
            while len(counts) < QUIET_POLLS or len(set(counts[-QUIET_POLLS:])) > 1:
                running.check()
                await asyncio.sleep(POLL)
                if not await self.platform.depth(consumer.queue):
                    counts.append(await self.kit.call_count())

    async def _idle(self) -> tuple[float, ...]:
        """Publish one event after another, each once the one before it was applied and all was quiet."""
        before = await self.kit.call_count()
        published = []
        for number, event in enumerate(newcomers(WARM_UPS + IDLE_EVENTS), start=1):
            published.append(time.monotonic())
            await self.platform.publish([event])
            await self._answered(before + number * CALLS_PER_IDLE_EVENT)
        ended = [call.ended for call in (await self.kit.calls())[before:]]
        answered = ended[CALLS_PER_IDLE_EVENT - 1 :: CALLS_PER_IDLE_EVENT]
        times = [(end - begin) * 1000 for begin, end in zip(published, answered, strict=True)]
        return tuple(times[WARM_UPS:])

    async def _answered(self, count: int) -> None:
        """Wait until Kit has answered so many calls, without disturbing it while it does."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.sleep(IDLE_PAUSE)
            while (found := await self.kit.call_count()) < count:  # another process's
                await asyncio.sleep(IDLE_PAUSE)
        if found > count:
            raise MeasurementFailed(f"An idle event led to {found - count} calls too many.")


@contextmanager
def _explaining(running: Program) -> Iterator[None]:
    """Say, where waiting was in vain, what the program last wrote into its log."""
    try:
        yield
    except TimeoutError:
        text = f"Nothing more came of {running.log.stem}. The end of its log:\n{running.log_tail()}"
        raise MeasurementFailed(text) from None
