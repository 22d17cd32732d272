"""What all measurements share: a consumer works through a backlog, and what is waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from tests.bench.consumers import Consumer, Place
from tests.bench.life import Event
from tests.bench.model import final_states, wrong_people
from tests.bench.processes import Program, cpu_seconds
from tests.bench.queues import Platform
from tests.bench.stand_in import LATENCY, StandIn

POLL: Final = 0.5
POLL_START: Final = 0.02
QUIET_POLLS: Final = 3
"""So many looks in a row without a further call mean that it is over; an answer takes 80 ms at most."""
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
    """What all rows are measured with.

    Attributes:
        kit_pid: The process that stands in for Kit.
    """

    place: Place
    platform: Platform
    kit: StandIn
    kit_pid: int

    async def drain(
        self,
        consumer: Consumer,
        events: Sequence[Event],
        *,
        latency: float = LATENCY,
        limits: Mapping[str, int] | None = None,
        answers: int = 0,
    ) -> Drain:
        """Let a consumer work through a backlog.

        Args:
            consumer: Which.
            events: The backlog.
            latency: Seconds that each of Kit's answers takes.
            limits: See `StandIn.open_accounts`.
            answers: It is not over before so many calls were answered with 2xx, however quiet it is.

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
                await self._settled(consumer, running, answers)
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
        await self.platform.publish(events)
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

    async def _settled(self, consumer: Consumer, running: Program, answers: int) -> None:
        """Wait until the queue is empty, enough is answered and no further call comes."""
        counts: list[int] = []
        async with asyncio.timeout(PATIENCE):
            while len(counts) < QUIET_POLLS or len(set(counts[-QUIET_POLLS:])) > 1:
                running.check()
                await asyncio.sleep(POLL)
                if await self.platform.depth(consumer.queue):
                    continue
                count = await self.kit.call_count(well_only=True)
                if count >= answers:
                    counts.append(count)


async def subscribed(accounts: int, running: Sequence[Program]) -> None:
    """Wait until each kit-worker has subscribed to so many accounts.

    Their logs tell: of a queue with a single active consumer, RabbitMQ 3.10 counts only that one.
    """
    async with asyncio.timeout(PATIENCE):
        for each in running:
            while each.said('"event": "subscribed"') < accounts:
                each.check()
                await asyncio.sleep(POLL_START)


@contextmanager
def explaining(running: Program) -> Iterator[None]:
    """Say, where waiting was in vain, what the program last wrote into its log."""
    try:
        yield
    except TimeoutError:
        text = f"Nothing more came of {running.log.stem}. The end of its log:\n{running.log_tail()}"
        raise MeasurementFailed(text) from None
