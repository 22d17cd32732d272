"""The measurements: a backlog and idle events for either consumer, memory for kit-worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.consumers import WORKER, Consumer
from tests.bench.life import Event, backlog, newcomers
from tests.bench.model import final_states, wrong_people
from tests.bench.processes import Program, cpu_seconds
from tests.bench.queues import Platform
from tests.bench.stand_in import StandIn, writes

POLL: Final = 0.5
QUIET_POLLS: Final = 3
"""So many looks in a row without a further call mean that it is over; an answer takes 20 ms."""
SETTLE_SECONDS: Final = 120.0

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
        cpu_ms_per_event: Processor time of the consumer, from start to end, its start included.
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
    idle_ms: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class MemoryRun:
    """kit-worker's peak memory over a backlog that stays.

    Attributes:
        waiting: Messages still in the queue when it was looked at.
    """

    messages: int
    waiting: int
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Bench:
    """What all runs share."""

    platform: Platform
    kit: StandIn
    kit_pid: int
    folder: Path

    async def backlog(self, consumer: Consumer, *, idle: bool) -> BacklogRun:
        """Let a consumer work through the backlog and, if asked, measure idle events after it."""
        events = backlog()
        await self._prepare(consumer, events, limit=None)
        kit_before, began = cpu_seconds(self.kit_pid), time.monotonic()
        async with consumer.running(self.folder) as running:
            await self._settled(consumer, running)
            cpu = running.cpu_seconds()
            kit_cpu, calls = cpu_seconds(self.kit_pid) - kit_before, await self.kit.calls()
            refused, people = await self.kit.refused(), await self.kit.subscribers()
            idle_ms = await self._idle() if idle else ()
        written = writes(calls)
        seconds = max(call.ended for call in calls) - written[0].arrived
        left = [await self.platform.depth(queue) for queue in consumer.queues]
        await self.platform.delete_queue(*consumer.queues)
        if written[0].arrived < began:
            raise MeasurementFailed("Kit was written to before the consumer started.")
        return BacklogRun(
            consumer=consumer.name,
            events_per_second=len(events) / seconds,
            calls_per_event=len(calls) / len(events),
            wrong=len(wrong_people(final_states(events), people)),
            cpu_ms_per_event=cpu * 1000 / len(events),
            kit_busy=kit_cpu / seconds,
            refused=refused,
            left=sum(left),
            idle_ms=idle_ms,
        )

    async def memory(self, consumer: Consumer, messages: int) -> MemoryRun:
        """Let kit-worker consume for a while, within Kit's limit, with so many messages waiting."""
        events = backlog(events=messages, people=messages // 3)
        await self._prepare(consumer, events, limit=API_KEY_LIMIT)
        async with consumer.running(self.folder) as running:
            await self._first_write(running)
            await asyncio.sleep(MEMORY_SECONDS)
            running.check()
            peak = running.peak_megabytes()
        waiting = await self.platform.depth(consumer.queue)
        await self.platform.delete_queue(*consumer.queues)
        return MemoryRun(messages, waiting, peak)

    async def _prepare(self, consumer: Consumer, events: Sequence[Event], *, limit: int | None) -> None:
        await self.kit.open_account(consumer.key, limit=limit)
        await self.platform.add_queue(consumer.queue, dict(consumer.arguments))
        await self.platform.publish(events)
        await self._all_there(consumer, len(events))

    async def _all_there(self, consumer: Consumer, count: int) -> None:
        """Make sure that the queue holds the backlog; a confirmed message may take a moment to count."""
        async with asyncio.timeout(SETTLE_SECONDS):
            while await self.platform.depth(consumer.queue) < count:
                await asyncio.sleep(POLL)

    async def _first_write(self, running: Program) -> None:
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while not await self.kit.call_count():
                    running.check()
                    await asyncio.sleep(POLL)
        except TimeoutError:
            raise MeasurementFailed(f"No call to Kit came.\n{running.log_tail()}") from None

    async def _settled(self, consumer: Consumer, running: Program) -> None:
        """Wait until the queue is empty and no further call comes."""
        await self._first_write(running)
        counts: list[int] = []
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                while len(counts) < QUIET_POLLS or len(set(counts[-QUIET_POLLS:])) > 1:
                    running.check()
                    await asyncio.sleep(POLL)
                    if not await self.platform.depth(consumer.queue):
                        counts.append(await self.kit.call_count())
        except TimeoutError:
            raise MeasurementFailed(
                f"{consumer.name} did not get through its backlog.\n{running.log_tail()}"
            ) from None

    async def _idle(self) -> tuple[float, ...]:
        """Publish one event after another, each once the one before it was applied and all was quiet."""
        before = await self.kit.call_count()
        published = []
        for number, event in enumerate(newcomers(WARM_UPS + IDLE_EVENTS), start=1):
            published.append(time.monotonic())
            await self.platform.publish([event])
            await self._answered(before + number * CALLS_PER_IDLE_EVENT)
        calls = (await self.kit.calls())[before:]
        answered = [call.ended for call in calls][CALLS_PER_IDLE_EVENT - 1 :: CALLS_PER_IDLE_EVENT]
        times = [(end - begin) * 1000 for begin, end in zip(published, answered, strict=True)]
        return tuple(times[WARM_UPS:])

    async def _answered(self, count: int) -> None:
        """Wait until Kit has answered so many calls, without disturbing it while it does."""
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await asyncio.sleep(IDLE_PAUSE)
                while (found := await self.kit.call_count()) < count:
                    await asyncio.sleep(IDLE_PAUSE)
        except TimeoutError:
            raise MeasurementFailed("An idle event was not applied.") from None
        if found > count:
            raise MeasurementFailed(f"An idle event led to {found - count} calls too many.")


def is_worker(run: BacklogRun) -> bool:
    """Tell whether a run is kit-worker's."""
    return run.consumer == WORKER
