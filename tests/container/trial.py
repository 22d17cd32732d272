"""Workers in containers come and go under load, and nobody ends with a wrong tag.

`make compose-trial`, or `.venv/bin/python -m tests.container.trial --help`. It needs a Docker Engine and some
minutes, starts a project of its own, removes it in the end, and exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from tests.container.stack import Stack, TrialFailed, caller
from tests.container.workload import TrialAccount, Workload, publish
from worker.sandbox import Call, overlaps
from worker.topology import consumer_priority, dead_letter_queue, work_queue

SETTLE_TIMEOUT: Final = 300
UNDER_LOAD: Final = 0.9
"""The part of all events that is published while workers come and go; the rest measures a hand-over."""
HANDOVER_PACE: Final = 4
"""Events of each account in a second while the hand-over is measured."""
PAUSE: Final = 4.0
"""Seconds between the comings and goings."""


@dataclass(frozen=True, slots=True)
class Options:
    """How big the trial is."""

    accounts: int
    events: int
    per_second: float
    workers: int
    latency: float
    logs: Path | None


def say(text: str) -> None:
    """Tell the person who watches."""
    print(text, flush=True)  # noqa: T201  # it is a program that people run


class Trial:
    """One run against a stack."""

    def __init__(self, stack: Stack, workload: Workload, options: Options) -> None:
        self._stack = stack
        self._load = workload
        self._options = options
        self._names = [account.name for account in workload.events]
        self._problems: list[str] = []

    async def run(self) -> list[str]:
        """Do all of it, and return what is not as it should be."""
        await self._start()
        began = time.monotonic()
        await self._under_load()
        await self._settled()
        self._tell_throughput(time.monotonic() - began)
        await self._handover()
        await self._settled()
        self._check_outcome()
        self._stop_all()
        return self._problems

    # -- its steps ------------------------------------------------------------------------------------

    async def _start(self) -> None:
        say(f"starting RabbitMQ, the sandbox and {self._options.workers} workers …")
        await asyncio.to_thread(self._stack.up)
        say(f"workers: {self._stack.states()}")
        self._stack.configure_sandbox(latency=self._options.latency)
        await self._owned_by_the_best(self._stack.workers())

    async def _under_load(self) -> None:
        """Publish, and meanwhile stop one worker and kill another, and start both again."""
        count = round(self._options.events * UNDER_LOAD)
        url, load = self._stack.amqp_url(), self._load
        say(f"publishing {count * len(self._names)} events at {self._options.per_second:.0f}/s …")
        publishing = asyncio.create_task(publish(url, load, slice(count), self._options.per_second))
        first, second, *others = self._by_accounts_held()
        steps: list[tuple[str, Callable[[str], float], str, Collection[str]]] = [
            ("docker stop", self._stack.stop, first, [second, *others]),
            ("docker kill", self._stack.kill, second, others),
            ("docker start", self._stack.start, first, [first, *others]),
            ("docker start", self._stack.start, second, [first, second, *others]),
        ]
        for name, action, worker, left in steps:
            await asyncio.sleep(PAUSE)
            loaded = not publishing.done() or sum(self._depths(work_queue)) > self._options.workers
            self._check(loaded, f"{name} {worker}: the load ended before it; give more --events")
            took = await asyncio.to_thread(action, worker)
            say(f"{name} {worker}: {took:.1f} s")
            await self._owned_by_the_best(left)
        await publishing

    async def _handover(self) -> None:
        """Stop a worker that has next to nothing to do, and see when another one works for its accounts."""
        leaver = self._by_accounts_held()[0]
        held = {name for name, each in self._stack.consumers().items() if each.active == leaver}
        last = max((call.sequence for call in self._stack.calls()), default=0)
        rest = slice(round(self._options.events * UNDER_LOAD), None)
        pace = float(HANDOVER_PACE * len(self._names))
        publishing = asyncio.create_task(publish(self._stack.amqp_url(), self._load, rest, pace))
        took = await asyncio.to_thread(self._stack.stop, leaver)
        await publishing
        told = max(_seconds(line) for line in self._stack.logged(leaver) if line["event"] == "stopping")
        gaps = []
        for name in sorted(held):
            calls = [call for call in self._calls_of(name) if call.sequence > last]
            before = [call.arrived_at for call in calls if caller(call) == leaver]
            after = [call.arrived_at for call in calls if caller(call) != leaver]
            self._check(bool(after), f"{name}: no other worker took it over from {leaver}")
            gaps += [min(after) - told] if after else []
            self._check(not before or not after or max(before) < min(after), f"{name}: two workers at once")
        say(f"docker stop of a nearly idle worker: {took:.2f} s; from SIGTERM to the next one's first call:")
        say(f"  {' '.join(f'{1000 * gap:.0f}' for gap in sorted(gaps))} ms, for each of its accounts")
        await self._owned_by_the_best(set(self._stack.workers()) - {leaver})

    async def _settled(self) -> None:
        deadline = time.monotonic() + SETTLE_TIMEOUT
        while any(depths := self._depths(work_queue)):
            if time.monotonic() > deadline:
                raise TrialFailed(f"events still wait after {SETTLE_TIMEOUT} s: {depths}")
            await asyncio.sleep(0.5)

    def _stop_all(self) -> None:
        running = [name for name, state in self._stack.states().items() if not state.startswith("exit")]
        for worker in running:
            self._stack.stop(worker)
        states = self._stack.states()
        say(f"stopped: {states}")
        for worker in running:
            self._check(states[worker] == "exit 0", f"{worker} ended with {states[worker]}")

    # -- what should be so ----------------------------------------------------------------------------

    async def _owned_by_the_best(self, workers: Collection[str], seconds: float = 90.0) -> None:
        """Wait until each account is with that worker, of these, that has the highest priority for it."""
        should = {name: max(workers, key=lambda each: consumer_priority(each, name)) for name in self._names}
        started = time.monotonic()
        while True:
            consumers = await asyncio.to_thread(self._stack.consumers)
            active = {name: consumers[name].active for name in self._names if name in consumers}
            if active == should:
                break
            if time.monotonic() - started > seconds:
                self._check(False, f"accounts are with {active}, and should be with {should}")  # noqa: FBT003  # it is so
                return
            await asyncio.sleep(0.2)
        spread = ", ".join(f"{worker}: {count}" for worker, count in sorted(Counter(active.values()).items()))
        say(f"  accounts where their priority is highest, {time.monotonic() - started:.1f} s later: {spread}")

    def _check_outcome(self) -> None:
        calls = self._stack.calls()
        per_account = {name: self._calls_of(name) for name in self._names}
        pairs = [pair for each in per_account.values() for pair in overlaps(each, caller)]
        moves = sum(len(list(groupby(map(caller, each)))) - 1 for each in per_account.values())
        statuses = Counter(call.status for call in calls)
        dead = self._depths(dead_letter_queue)
        wrong = self._load.wrong_people(self._stack.kit_accounts())
        per_event = len(calls) / self._load.count
        say(f"calls to Kit: {len(calls)}, {per_event:.2f} per event; by status: {dict(statuses)}")
        say(f"moves of an account to another worker: {moves}; calls of two workers at once: {len(pairs)}")
        say(f"people with a wrong state: {len(wrong)}; dead letters: {sum(dead)}; messages left: 0")
        self._check(not pairs, f"two workers were active for one account: {pairs[:3]}")
        self._check(not any(dead), f"there are dead letters: {dead}")
        self._check(not wrong, "people are wrong: " + "; ".join(wrong[:5]))

    def _tell_throughput(self, seconds: float) -> None:
        count = round(self._options.events * UNDER_LOAD) * len(self._names)
        say(f"{count} events published and settled in {seconds:.0f} s ({count / seconds:.0f}/s)")
        say(f"memory of the workers: {', '.join(self._stack.memory().split(chr(10))).rstrip(', ')}")

    def _check(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self._problems.append(otherwise)
            say(f"  WRONG: {otherwise}")

    # -- looking --------------------------------------------------------------------------------------

    def _by_accounts_held(self) -> list[str]:
        held = Counter(each.active for each in self._stack.consumers().values())
        running = [name for name, state in self._stack.states().items() if not state.startswith("exit")]
        return sorted(running, key=lambda worker: -held[worker])

    def _depths(self, queue: Callable[[str], str]) -> list[int]:
        depths = self._stack.depths()
        return [depths[queue(name)] for name in self._names]

    def _calls_of(self, name: str) -> list[Call]:
        (key,) = [account.key for account in self._load.events if account.name == name]
        return [call for call in self._stack.calls() if call.credential == f"…{key[-4:]}"]


def _seconds(line: dict[str, object]) -> float:
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()


def _options() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=12)
    parser.add_argument("--events", type=int, default=500, help="of each account")
    parser.add_argument("--per-second", type=float, default=120, help="over all accounts")
    parser.add_argument("--workers", type=int, default=3, help="at least three")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds that Kit takes")
    parser.add_argument("--logs", type=Path, help="folder for the workers' logs")
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Run the trial."""
    options = _options()
    accounts = [TrialAccount(number) for number in range(1, options.accounts + 1)]
    with tempfile.TemporaryDirectory(prefix="kit-worker-trial-") as folder:
        stack = Stack(Path(folder), accounts, options.workers)
        try:
            problems = asyncio.run(Trial(stack, Workload.made(accounts, options.events), options).run())
        finally:
            if options.logs:
                stack.save_logs(options.logs)
            stack.down()
    say(f"FAILED: {len(problems)} things are wrong" if problems else "passed")
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TrialFailed as error:
        sys.exit(f"compose-trial: {error}")
