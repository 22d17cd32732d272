"""One service after another goes away for half a minute, under load, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.container.observer import REFUSED, Observer, say
from tests.container.workload import Workload, publish
from worker.sandbox import Call

SECONDS: Final = 30.0
"""How long a service is away."""
LOOK_AFTER: Final = 20.0
"""Seconds after which `/readyz` is looked at."""
LEAD: Final = 5.0
"""Seconds of load before it goes."""
BLIND: Final = 2.0
"""Seconds after which what was under way when the ledger went has ended."""
ABOUT_AN_OUTAGE: Final = SECONDS + LEAD + 10.0


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that goes and comes back.

    Attributes:
        is_seen: Tells from `/readyz` of the workers, each with its status and the accounts that it holds,
            whether they say so.
    """

    service: str
    begin: Callable[[], object]
    end: Callable[[], object]
    is_seen: Callable[[dict[str, tuple[int, set[str]]]], bool]


class Outages:
    """All four, one after the other.

    Args:
        observer: Of the stack.
        workload: What is published meanwhile.
        events: Of each account, for each of the outages.
        first: The number of the first of these events.
    """

    def __init__(self, observer: Observer, workload: Workload, *, first: int, events: int) -> None:
        self._observer = observer
        self._workload = workload
        self._stack = observer.stack
        self._first = first
        self._events = events

    async def run(self) -> None:
        """Let each go and come back, and wait each time until all events are settled."""
        for number, make in enumerate((self._broker, self._ledger, self._worker, self._kit)):
            start = self._first + number * self._events
            await self._survive(make(), slice(start, start + self._events))

    async def _survive(self, outage: Outage, part: slice) -> None:
        pace = self._events * len(self._workload.events) / ABOUT_AN_OUTAGE
        load = publish(self._stack.amqp_url(), self._workload, part, pace)
        publishing = asyncio.create_task(load)
        await asyncio.sleep(LEAD)
        await asyncio.to_thread(outage.begin)
        gone_at, gone = time.time(), time.monotonic()
        await asyncio.sleep(LOOK_AFTER)
        seen = await asyncio.to_thread(self._observer.readiness)
        self._observer.check(outage.is_seen(seen), f"{outage.service} is away, and /readyz says {seen}")
        await asyncio.sleep(max(0.0, gone + SECONDS - time.monotonic()))
        back_at, back = time.time(), time.monotonic()
        await asyncio.to_thread(outage.end)
        await publishing
        await self._observer.settled()
        await self._observer.all_ready()
        took = time.monotonic() - back
        away = back - gone
        say(f"{outage.service} away for {away:.0f} s: all settled and green {took:.0f} s after its return")
        self._no_blind_calls(outage, gone_at, back_at)

    def _no_blind_calls(self, outage: Outage, gone_at: float, back_at: float) -> None:
        """Without ledger, or without broker, nobody may write to Kit."""
        if outage.service not in {"postgres", "rabbitmq"}:
            return
        calls = [call for call in self._stack.calls() if gone_at + BLIND < call.arrived_at < back_at]
        self._observer.check(not calls, f"without {outage.service} there were calls to Kit: {_shown(calls)}")

    # -- which ----------------------------------------------------------------------------------------

    def _broker(self) -> Outage:
        return Outage(
            "rabbitmq",
            lambda: self._stack.stop_service("rabbitmq"),
            lambda: self._stack.start_service("rabbitmq"),
            lambda seen: all(status == REFUSED for status, _ in seen.values()),
        )

    def _ledger(self) -> Outage:
        return Outage(
            "postgres",
            lambda: self._stack.stop_service("postgres"),
            lambda: self._stack.start_service("postgres"),
            self._all_are_held,
        )

    def _worker(self) -> Outage:
        worker = self._observer.by_accounts_held()[0]
        return Outage(
            "worker",
            lambda: self._stack.stop(worker),
            lambda: self._stack.start(worker),
            lambda seen: all(status != REFUSED and not held for status, held in seen.values()),
        )

    def _kit(self) -> Outage:
        # Kit would not forget everybody by being away, so the sandbox is not stopped: it is off the network.
        return Outage("sandbox", self._stack.unplug_sandbox, self._stack.plug_sandbox, self._all_are_held)

    def _all_are_held(self, seen: dict[str, tuple[int, set[str]]]) -> bool:
        return {name for _, held in seen.values() for name in held} == set(self._observer.names)


def _shown(calls: list[Call]) -> str:
    return ", ".join(f"{call.method} {call.path}" for call in calls[:5])
