"""Nodes of a RabbitMQ cluster come and go under load, and nobody ends with a wrong tag.

Three nodes, four workers, 500 accounts: `make cluster-trial`, or
`.venv/bin/python -m tests.container.cluster --help`. It needs a Docker Engine and about ten minutes, starts a
project of its own, removes it in the end, and exits with 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.container.ages import Ages
from tests.container.cluster_stack import FIRST, NODES, SECOND, ClusterStack, Used
from tests.container.docker import TrialFailed
from tests.container.observer import Observer, say
from tests.container.stream import Stream
from tests.container.workload import TrialAccount

QUIET: Final = 30.0
"""Seconds over which is measured what each container uses: without an event, and under load."""
AWAY: Final = 30.0
"""Seconds for which a node is away, and for which the partition lasts once it was noticed."""
NOTICED_WITHIN: Final = 120.0
"""Seconds until the nodes notice a partition: their `net_ticktime` is 60 s, and half of that more or less."""
AFTER: Final = 30.0
"""Seconds of load after a node is back."""
STARTED_WITHIN: Final = 600.0
MOVED_WITHIN: Final = 300.0
LOOK: Final = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """How big the trial is."""

    accounts: int
    per_second: float
    workers: int
    latency: float
    net_ticktime: int
    logs: Path | None


@dataclass(slots=True)
class Trial:
    """One run against a stack.

    Attributes:
        marks: What happened when, in seconds since 1970.
    """

    stack: ClusterStack
    stream: Stream
    observer: Observer
    options: Options
    marks: list[tuple[str, float]] = field(default_factory=list)

    async def run(self) -> list[str]:
        """Do all of it, and return what is not as it should be."""
        await self._start()
        publishing = asyncio.create_task(self.stream.run())
        try:
            for step in (self._calm, self._node_away, self._partition, self._shards):
                await step()
                if publishing.done():
                    publishing.result()  # it never ends by itself, but by a failure
            self.stream.stop()
            await publishing
        finally:
            publishing.cancel()
        self._mark("the end")
        await self.observer.settled()
        await self.observer.all_ready()
        await asyncio.to_thread(self._tell)
        self.observer.check_outcome()
        return self.observer.problems

    # -- its steps ------------------------------------------------------------------------------------

    async def _start(self) -> None:
        say(f"starting {len(NODES)} nodes, PostgreSQL, the sandbox and {self.options.workers} workers …")
        await asyncio.to_thread(self.stack.up)
        self.stack.configure_sandbox(latency=self.options.latency)
        began = time.monotonic()
        await self.observer.owned_by_the_best(self.stack.workers(), STARTED_WITHIN)
        took = time.monotonic() - began
        say(f"all {self.options.accounts} accounts are consumed {took:.0f} s after the workers are healthy")
        await self._tell_nodes()
        await self._tell_used("no event", QUIET)

    async def _calm(self) -> None:
        self._mark("load alone")
        await self._tell_used(f"{self.options.per_second:.0f} events/s", QUIET)

    async def _node_away(self) -> None:
        await self._tell_nodes()
        self._mark(f"{FIRST} is killed")
        await asyncio.to_thread(self.stack.kill_node, FIRST)
        await self._until_nodes(2)
        await asyncio.sleep(AWAY)
        self._mark(f"{FIRST} comes back")
        await asyncio.to_thread(self.stack.start_service, FIRST)
        await self._until_nodes(3)
        await asyncio.sleep(AFTER)

    async def _partition(self) -> None:
        """Cut a node off from the others, which workers and the platform still reach, until it pauses."""
        await self._tell_nodes()
        self._mark(f"{SECOND} is cut off from the other nodes")
        await asyncio.to_thread(self.stack.cut_off, SECOND)
        await self._until_nodes(2)
        await asyncio.sleep(AWAY)
        self._mark(f"{SECOND} is joined to them again")
        await asyncio.to_thread(self.stack.join_again, SECOND)
        await self._until_nodes(3)
        await asyncio.sleep(AFTER)

    async def _shards(self) -> None:
        """Make two shards of all, under load: the files of half of the accounts go, here and there."""
        await self.observer.owned_by_the_best(self.stack.workers(), MOVED_WITHIN)
        accounts = list(self.stream.workload.events)
        half = len(accounts) // 2
        shards = {"worker": accounts[:half], "second": accounts[half:]}
        self._mark("two shards are made")
        await asyncio.to_thread(self.stack.split, shards["worker"], shards["second"])
        for service, its in shards.items():
            workers = self.stack.workers_of(service)
            await self.observer.owned_by_the_best(workers, MOVED_WITHIN, [account.name for account in its])
        consumers = await asyncio.to_thread(self.stack.consumers)
        each = Counter(1 + len(found.waiting) for found in consumers.values())
        self.observer.check(set(each) == {self.options.workers // 2}, f"queues have {dict(each)} consumers")
        await self._tell_used("two shards", QUIET)

    async def _until_nodes(self, count: int) -> None:
        began = time.monotonic()
        while await asyncio.to_thread(self.stack.running_nodes) != count:
            if time.monotonic() - began > NOTICED_WITHIN:
                raise TrialFailed(f"the cluster has not {count} nodes after {NOTICED_WITHIN:.0f} s")
            await asyncio.sleep(LOOK)
        say(f"  the cluster has {count} nodes {time.monotonic() - began:.0f} s later")

    # -- what it tells --------------------------------------------------------------------------------

    def _mark(self, what: str) -> None:
        say(what)
        self.marks.append((what, time.time()))

    async def _tell_nodes(self) -> None:
        leaders = await asyncio.to_thread(self.stack.leaders)
        consuming = await asyncio.to_thread(self.stack.consuming_at)
        say(f"  by node: leaders of queues {sorted(leaders.items())}, workers {sorted(consuming.items())}")

    async def _tell_used(self, while_: str, seconds: float) -> None:
        before = await asyncio.to_thread(self.stack.used)
        await asyncio.sleep(seconds)
        after = await asyncio.to_thread(self.stack.used)
        say(
            f"  {while_}, {seconds:.0f} s: "
            + ", ".join(_used(name, before.get(name), now, seconds) for name, now in after.items())
        )

    def _tell(self) -> None:
        settled_at = self.stack.settled_at()
        for (what, at), (_, ended) in zip(self.marks, self.marks[1:], strict=False):
            say(f"{what}: {Ages.of(self.stream.confirmed_at, settled_at, at, ended)}")
        say(f"publishes that were made once more: {self.stream.again}")


def _used(name: str, before: Used | None, now: Used, seconds: float) -> str:
    share = 100 * (now.seconds - (before.seconds if before else 0.0)) / seconds
    return f"{name} {share:.0f} % of a processor and {now.megabytes:.0f} MB"


def _options() -> Options:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=500)
    parser.add_argument("--per-second", type=float, default=15, help="events, over all accounts")
    parser.add_argument("--workers", type=int, default=4, help="an even number")
    parser.add_argument("--latency", type=float, default=0.02, help="seconds that Kit takes")
    parser.add_argument("--net-ticktime", type=int, default=60, help="seconds, by which nodes notice a cut")
    parser.add_argument("--logs", type=Path, help="folder for the workers' logs")
    return Options(**vars(parser.parse_args()))


def main() -> int:
    """Run the trial."""
    options = _options()
    # Nodes that go away are what is wanted here, and the publisher comes back by itself.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    accounts = [TrialAccount(number) for number in range(1, options.accounts + 1)]
    with tempfile.TemporaryDirectory(prefix="kit-worker-cluster-trial-") as folder:
        stack = ClusterStack(Path(folder), accounts, options.workers, options.net_ticktime)
        stream = Stream(stack.amqp_urls(), accounts, options.per_second)
        observer = Observer(stack, stream.workload)
        try:
            problems = asyncio.run(Trial(stack, stream, observer, options).run())
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
        sys.exit(f"cluster-trial: {error}")
