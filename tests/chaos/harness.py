"""One row's arena: accounts under load, what a row looks at, and the end, where all is checked."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aio_pika

from tests.chaos.checker import ALLOWED, Row, Verdict, check
from tests.chaos.fleet import Fleet
from tests.chaos.load import Creator, Published
from tests.chaos.processes import WORKING, ChaosWorker
from tests.chaos.witness import LogReader, Outcomes, ids_in, waiting
from tests.integration.expected import endless_events, make_events
from tests.integration.harness import until
from worker.sandbox import Call

BESIDE_PER_SECOND = 10.0


@dataclass(eq=False)
class Arena(Fleet):
    """What one row works with; see the package's docstring.

    Attributes:
        allowed: What this row cannot promise, each with the reason.
        row: The figures, once all is checked.
    """

    allowed: dict[str, str] = field(default_factory=dict)
    row: Row | None = None
    _logs: LogReader = field(default_factory=LogReader)
    _loads: list[asyncio.Task[None]] = field(default_factory=list)

    # -- load -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(
        self,
        *,
        events: int | Iterable[Published] = 400,
        people: int = 80,
        per_second: float = 0.0,
        workers: Iterable[str] = ("one",),
        settle: float = 90.0,
        green: bool = True,
        beside: bool = True,
        **environ: str,
    ) -> AsyncIterator[None]:
        """Start workers and load; on leaving, wait until all is settled, stop the workers, and check.

        Args:
            events: For the main account: how many, or which ones.
            people: Whom they are about.
            per_second: How fast they are published; 0 is as fast as RabbitMQ confirms them.
            workers: Their names.
            settle: Seconds that all may take to settle in the end.
            green: Whether every worker that is alive must say in the end that all accounts work.
            beside: Whether the other accounts get events, at a gentle pace and until the end.
            **environ: More environment for these workers.

        Raises:
            AssertionError: The checker has complaints, all of them named.
        """
        started = time.monotonic()
        chosen = make_events(events, people, seed=31) if isinstance(events, int) else events
        try:
            for name in workers:
                await self.start(name, **environ)
            self.publish(self.main, chosen, per_second)
            for creator in self.creators[1:] if beside else ():
                self.publish(creator, endless_events(people, seed=37), BESIDE_PER_SECOND)
            yield
            await self.settle(settle)
            for worker in self.workers if green else ():
                if worker.alive:
                    await self.green(worker)
            await self.stop()
            await self.check(time.monotonic() - started)
        finally:
            await self._clear()

    def publish(self, creator: Creator, events: Iterable[Published], per_second: float = 0.0) -> None:
        """Begin to publish to an account."""
        self._loads.append(asyncio.create_task(creator.load.run(events, per_second)))

    def outcomes(self, creator: Creator | None = None) -> Outcomes:
        """What the logs say by now of an account's events; by default of the one under test."""
        return self._logs.outcomes((creator or self.main).name, self.workers)

    async def settled(self, count: int, creator: Creator | None = None, *, seconds: float = 60.0) -> None:
        """Wait until so many events of an account are settled."""
        await until(lambda: len(self.outcomes(creator).of) >= count, seconds)

    async def calls(self, count: int, *, seconds: float = 60.0) -> None:
        """Wait until so many calls of the account under test have ended."""
        await until(lambda: self.sandbox.journal.count(account=self.main.name) >= count, seconds)

    def calls_under_way(self) -> list[Call]:
        """The calls of the account under test that Kit took and has not answered."""
        return [call for call in self.sandbox.journal.select(account=self.main.name) if call.ended is None]

    def faults_met(self, method: str) -> set[str]:
        """The faults that struck calls of the account under test with this method."""
        calls = self.sandbox.journal.select(account=self.main.name)
        return {call.fault for call in calls if call.fault is not None and call.method == method}

    # -- what a row looks at --------------------------------------------------------------------------

    async def red(self, worker: ChaosWorker | None = None, *, seconds: float = 30.0) -> dict[str, Any]:
        """Wait until `/readyz` says that the main account, or all of the worker, does not work.

        Returns:
            What it says of the account; empty where there is no answer.
        """
        body = await (worker or self.worker).until_works(self.main.name, works=False, seconds=seconds)
        account: dict[str, Any] = body.get("accounts", {}).get(self.main.name, {})
        return account

    async def red_saying(self, words: str, *, seconds: float = 30.0) -> None:
        """Wait until `/readyz` gives a reason with these words for the main account."""
        said: dict[str, str] = {}
        try:
            async with asyncio.timeout(seconds):
                while not any(words in reason for reason in said):
                    account = await self.red(seconds=seconds)
                    said[str(account.get("last_error"))] = str(account.get("state"))
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"it said {said}, and not {words!r}") from None

    async def green(self, worker: ChaosWorker | None = None, *, seconds: float = 60.0) -> None:
        """Wait until `/readyz` says that every account works."""
        for creator in self.creators:
            await (worker or self.worker).until_works(creator.name, seconds=seconds)

    @asynccontextmanager
    async def beside_goes_on(self, events: int = 3) -> AsyncIterator[None]:
        """Fail unless the other account is never held, and more of its events are settled meanwhile."""
        held: list[str] = []
        watching = asyncio.create_task(self._watch_beside(held))
        before = len(self.outcomes(self.beside).of)
        try:
            yield
            await self.settled(before + events, self.beside, seconds=5)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        assert not held, f"the other account was {held[0]}"

    async def _watch_beside(self, held: list[str]) -> None:
        while True:
            for worker in self.workers:
                account = (await worker.ready())[1].get("accounts", {}).get(self.beside.name)
                if account is not None and account["state"] not in WORKING:
                    held.append(f"{account['state']}: {account['last_error']}")
            await asyncio.sleep(0.2)

    def allow_redelivery(self) -> None:
        """Do not fail for events that RabbitMQ delivers again in another order than before."""
        self.allow("disorder", "RabbitMQ puts what it takes back behind what it took back before")

    def allow(self, what: str, why: str) -> None:
        """Do not fail for this: what a row cannot promise, with the reason."""
        assert what in ALLOWED
        self.allowed[what] = why

    # -- the end --------------------------------------------------------------------------------------

    async def settle(self, seconds: float = 90.0) -> None:
        """Let the loads end, and wait until all that was published is settled and no message is left.

        It returns in any case: what is not settled by then is for the checker to tell.
        """
        for creator in self.creators:
            if creator is not self.main:
                creator.load.stop()
        with suppress(AssertionError, TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*self._loads)
                await until(self._all_settled, seconds)
                await self._nothing_left()

    def _all_settled(self) -> bool:
        return all(self._has_settled(creator) for creator in self.creators)

    def _has_settled(self, creator: Creator) -> bool:
        published, seen = creator.load.published, self.outcomes(creator).of
        missing = [message for message in published.values() if message.id not in seen]
        # What cannot be read has no id in the logs.
        return all(not message.readable for message in missing) and len(missing) <= seen["None"].total()

    async def _nothing_left(self) -> None:
        """Wait until nothing is in a queue or in hand: what came twice is settled twice."""
        for creator in self.creators:
            while await waiting(self.amqp_url, creator.queue) or await self._in_hand(creator):
                await asyncio.sleep(0.2)

    async def _in_hand(self, creator: Creator) -> bool:
        reports = [(await worker.ready())[1].get("accounts", {}) for worker in self.workers if worker.alive]
        return any(report.get(creator.name, {}).get("oldest_unsettled_seconds") for report in reports)

    async def stop(self) -> None:
        """Stop all workers, each of which must end with 0."""
        for worker in self.workers:
            if worker.alive:
                code = await worker.stop()
                assert code == 0, f"worker {worker.name} ended with {code}"

    async def check(self, seconds: float) -> None:
        """Compare what was published with what came of it, keep the figures, and fail for any complaint."""
        verdicts = [await self._verdict(creator) for creator in self.creators]
        self.row = Row(self.name, seconds, verdicts, self.allowed)
        complaints = [line for verdict in verdicts for line in verdict.complaints(self.allowed)]
        assert not complaints, "\n".join([str(self.row), *complaints])

    async def _verdict(self, creator: Creator) -> Verdict:
        return check(
            creator.name,
            creator.key,
            creator.load.published,
            self.outcomes(creator),
            dead=await ids_in(self.amqp_url, creator.dead),
            queued=await ids_in(self.amqp_url, creator.queue),
            sandbox=self.sandbox,
            deaths=self.deaths,
            in_order=creator.load.in_order,
        )

    async def _clear(self) -> None:
        for load in self._loads:
            load.cancel()
        await asyncio.gather(*self._loads, return_exceptions=True)
        for worker in self.workers:
            if worker.alive:
                with suppress(ProcessLookupError):
                    await worker.stop(signal.SIGKILL)

    async def delete_queues(self) -> None:
        """Leave RabbitMQ as it was."""
        async with await aio_pika.connect(self.amqp_url, timeout=10) as connection:
            channel = await connection.channel()
            for creator in self.creators:
                await channel.queue_delete(creator.queue)
                await channel.queue_delete(creator.dead)
            await channel.exchange_delete(self.world.exchange)


def ledger_url() -> str | None:
    """The ledger that all rows share, where CHAOS_LEDGER_URL names one; else each has a file of its own."""
    return os.environ.get("CHAOS_LEDGER_URL")
