"""Workers and services in containers come and go under load, and nobody ends with a wrong tag.

`make compose-trial`, or `.venv/bin/python -m tests.container.trial --help`. It needs a Docker Engine and some
minutes, starts a project of its own, removes it in the end, and exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.container.docker import TrialFailed
from tests.container.observer import Observer, say
from tests.container.outages import Outages
from tests.container.page_step import PageStep
from tests.container.stack import Stack, caller
from tests.container.workload import TrialAccount, Workload, publish
from worker.broker.topology import work_queue

HANDOVER_SECONDS: Final = 12.0
"""How long events trickle while a worker leaves that has next to nothing to do."""
HANDOVER_PACE: Final = 4
"""Events of each account in a second meanwhile."""
HANDOVER_EVENTS: Final = round(HANDOVER_SECONDS * HANDOVER_PACE)
HANDOVER_LIMIT: Final = 2.0
"""Seconds from SIGTERM to the next worker's first call."""
PAUSE: Final = 4.0
"""Seconds between the comings and goings."""
OUTAGES: Final = 4


@dataclass(frozen=True, slots=True)
class Options:
    """How big the trial is."""

    accounts: int
    events: int
    outage_events: int
    page_events: int
    per_second: float
    workers: int
    latency: float
    logs: Path | None

    @property
    def events_of_an_account(self) -> int:
        """How many events there are for each account, in all parts of the trial."""
        return self.events + OUTAGES * self.outage_events + HANDOVER_EVENTS


class Trial:
    """One run against a stack."""

    def __init__(self, stack: Stack, workload: Workload, paged: Workload, options: Options) -> None:
        self._stack = stack
        self._load = workload
        self._paged = paged
        self._options = options
        self._observer = Observer(stack, Workload({**workload.events, **paged.events}))
        self._names = [account.name for account in workload.events]

    async def run(self) -> list[str]:
        """Do all of it, and return what is not as it should be."""
        await self._start()
        for account in self._paged.events:
            await PageStep(self._observer, account, self._paged).run()
        if self._options.events:
            began = time.monotonic()
            await self._under_load()
            await self._observer.settled()
            self._tell_throughput(time.monotonic() - began)
        if self._options.outage_events:
            first, each = self._options.events, self._options.outage_events
            await Outages(self._observer, self._load, first=first, events=each).run()
        await self._handover()
        await self._observer.settled()
        self._observer.check_outcome()
        self._stop_all()
        return self._observer.problems

    # -- its steps ------------------------------------------------------------------------------------

    async def _start(self) -> None:
        say(f"starting RabbitMQ, PostgreSQL, the sandbox and {self._options.workers} workers …")
        await asyncio.to_thread(self._stack.up)
        say(f"workers: {self._stack.states()}")
        self._stack.configure_sandbox(latency=self._options.latency)
        await self._observer.owned_by_the_best(self._stack.workers())

    async def _under_load(self) -> None:
        """Publish, and meanwhile stop one worker and kill another, and start both again."""
        count, url, load = self._options.events, self._stack.amqp_url(), self._load
        say(f"publishing {count * len(self._names)} events at {self._options.per_second:.0f}/s …")
        publishing = asyncio.create_task(publish(url, load, slice(count), self._options.per_second))
        first, second, *others = self._observer.by_accounts_held()
        steps: list[tuple[str, Callable[[str], float], str, Collection[str]]] = [
            ("docker stop", self._stack.stop, first, [second, *others]),
            ("docker kill", self._stack.kill, second, others),
            ("docker start", self._stack.start, first, [first, *others]),
            ("docker start", self._stack.start, second, [first, second, *others]),
        ]
        for name, action, worker, left in steps:
            await asyncio.sleep(PAUSE)
            loaded = not publishing.done() or sum(self._observer.depths(work_queue)) > self._options.workers
            self._observer.check(loaded, f"{name} {worker}: the load ended before it; give more --events")
            took = await asyncio.to_thread(action, worker)
            say(f"{name} {worker}: {took:.1f} s")
            await self._observer.owned_by_the_best(left)
        await publishing

    async def _handover(self) -> None:
        """Stop a worker that has next to nothing to do, and see when another one works for its accounts."""
        leaver = self._observer.by_accounts_held()[0]
        consumers = self._stack.consumers()
        held = {name for name in self._names if consumers[name].active == leaver}
        last = max((call.sequence for call in self._stack.calls()), default=0)
        rest = slice(-HANDOVER_EVENTS, None)
        pace = float(HANDOVER_PACE * len(self._names))
        publishing = asyncio.create_task(publish(self._stack.amqp_url(), self._load, rest, pace))
        took = await asyncio.to_thread(self._stack.stop, leaver)
        await publishing
        told = max(_seconds(line) for line in self._stack.logged(leaver) if line["event"] == "stopping")
        gaps = []
        for name in sorted(held):
            calls = [call for call in self._observer.calls_of(name) if call.sequence > last]
            before = [call.arrived_at for call in calls if caller(call) == leaver]
            after = [call.arrived_at for call in calls if caller(call) != leaver]
            self._observer.check(bool(after), f"{name}: no other worker took it over from {leaver}")
            gaps += [min(after) - told] if after else []
            self._observer.check(
                not before or not after or max(before) < min(after), f"{name}: two workers at once"
            )
        say(f"docker stop of a nearly idle worker: {took:.2f} s; from SIGTERM to the next one's first call:")
        say(f"  {' '.join(f'{1000 * gap:.0f}' for gap in sorted(gaps))} ms, for each of its accounts")
        slow = f"the hand-over took more than {HANDOVER_LIMIT:.0f} s"
        self._observer.check(max(gaps, default=0.0) < HANDOVER_LIMIT, slow)
        await self._observer.owned_by_the_best(set(self._stack.workers()) - {leaver})

    def _stop_all(self) -> None:
        running = self._observer.running()
        for worker in running:
            self._stack.stop(worker)
        states = self._stack.states()
        say(f"stopped: {states}")
        for worker in running:
            self._observer.check(states[worker] == "exit 0", f"{worker} ended with {states[worker]}")

    def _tell_throughput(self, seconds: float) -> None:
        count = self._options.events * len(self._names)
        say(f"{count} events published and settled in {seconds:.0f} s ({count / seconds:.0f}/s)")
        say(f"memory of the workers: {', '.join(self._stack.memory().split(chr(10))).rstrip(', ')}")


def _seconds(line: dict[str, object]) -> float:
    return datetime.fromisoformat(str(line["timestamp"])).timestamp()


def _options() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=12)
    parser.add_argument(
        "--events", type=int, default=450, help="of each account, while workers come and go; 0: they do not"
    )
    parser.add_argument(
        "--outage-events",
        type=int,
        default=200,
        help="likewise, for each of the four outages; 0: there are none",
    )
    parser.add_argument(
        "--page-events",
        type=int,
        default=2400,
        help="of one account more, which become dead letters that the page replays; 0: none do",
    )
    parser.add_argument(
        "--per-second", type=float, default=120, help="over all accounts, while workers come and go"
    )
    parser.add_argument("--workers", type=int, default=3, help="at least three")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds that Kit takes")
    parser.add_argument("--logs", type=Path, help="folder for the workers' logs")
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Run the trial."""
    options = _options()
    # A broker that goes away is what is wanted here, and the publisher comes back by itself.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    *accounts, paged = (TrialAccount(number) for number in range(1, options.accounts + 2))
    with tempfile.TemporaryDirectory(prefix="kit-worker-trial-") as folder:
        stack = Stack(Path(folder), [*accounts, paged], options.workers)
        load = Workload.made(accounts, options.events_of_an_account)
        of_page = Workload.made([paged] if options.page_events else [], options.page_events)
        try:
            problems = asyncio.run(Trial(stack, load, of_page, options).run())
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
