"""What may happen to an account that is connected by OAuth: each refresh token is used once.

One thing cannot be helped: a worker that is killed after Kit has carried out a refresh, and before the ledger
has its answer, takes the only good refresh token with it. Then the next one finds the old one used up, and
the account must say so.
"""

from __future__ import annotations

import asyncio
import signal
import time
from dataclasses import dataclass, field

import pytest

from tests.chaos import ledger_faults
from tests.chaos.harness import Arena
from tests.chaos.processes import ChaosWorker
from tests.integration.expected import endless_events
from tests.integration.harness import until
from worker.kit.auth.refresh import SEND_WITHIN
from worker.sandbox import Fault, FaultKind, Rule

pytestmark = pytest.mark.timeout(400)

LIFE = 5.0
SHORT, FULL = 25.0, 120.0
WORKERS = ("one", "two", "three")
KIT_TIMEOUT = 2.0
LEASE = SEND_WITHIN + KIT_TIMEOUT + 1.0
LOST = "must be connected to Kit again: Kit's answer to a refresh was lost"
TOKEN = "/v4/oauth/token"  # a path


@dataclass
class Creator:
    """Connects the account again whenever it says that it must be, as a person would; and counts that.

    Attributes:
        losses: What was said, each time.
    """

    arena: Arena
    losses: list[str] = field(default_factory=list)

    async def run(self) -> None:
        while True:
            for worker in self.arena.workers:
                worker.log_lines()
            said = [
                line["problem"]
                for worker in self.arena.workers
                for line in worker.log_lines()
                if line["event"] == "connection_lost"
            ]
            if len(said) > len(self.losses):
                self.losses = said
                await self.arena.connect(self.arena.main)
            await asyncio.sleep(0.2)


async def test_each_refresh_token_is_used_once_whoever_is_killed(arena: Arena, *, full: bool) -> None:
    """Given three workers that are killed or stopped at any moment, nobody is wrong and no token used twice.

    But for one that was used in the very moment of a kill: of that, there is a log line, and a kill.
    """
    arena.sandbox.oauth.token_life = LIFE
    await arena.connect(arena.main)
    creator, kills = Creator(arena), list[float]()
    events = endless_events(200, seed=41)
    ends = time.monotonic() + (FULL if full else SHORT)
    async with arena.running(
        events=events, per_second=30, workers=WORKERS, settle=150, KIT_TIMEOUT=str(KIT_TIMEOUT)
    ):
        watching = asyncio.create_task(creator.run())
        while time.monotonic() < ends:
            await asyncio.sleep(arena.chance.uniform(0.5, 2.5))
            worker = arena.any_worker()
            if arena.chance.random() < 0.6:  # more often than not
                kills.append(time.time())
                await arena.kill(worker)
            else:
                # One that was started a moment ago may not listen to signals yet.
                assert await worker.stop() in {0, -signal.SIGTERM}
            await worker.launch()
        arena.main.load.stop()
        await arena.settled(len(arena.main.load.published), seconds=120)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if any("redelivered_often" in worker.events_logged() for worker in arena.workers):
        arena.allow_redelivery()  # ten kills with the same message in hand: few are held from then on
    twice = arena.sandbox.oauth.used_twice()
    assert len(arena.sandbox.oauth.refreshes) >= (FULL if full else SHORT) / LIFE / 2
    assert all(loss.startswith(LOST) for loss in creator.losses)
    assert len(twice) == len(creator.losses)
    for each in twice:
        first = next(use for use in arena.sandbox.oauth.refreshes if use.token == each.token)
        assert any(abs(kill - first.at) <= 1.0 for kill in kills), "no worker was killed at that moment"


async def test_a_kill_between_kits_answer_and_the_ledger_is_told_and_can_be_mended(arena: Arena) -> None:
    """Given the one moment that cannot be helped, the account says what to do; done, it goes on."""
    arena.sandbox.oauth.token_life = LIFE
    await arena.connect(arena.main)
    async with arena.running(events=600, per_second=30, workers=("one", "two"), KIT_TIMEOUT=str(KIT_TIMEOUT)):
        await arena.settled(30)
        worker = await _refreshing(arena, Fault(FaultKind.SLOW, delay=1.5, applied=True))
        await arena.kill(worker)
        arena.sandbox.faults.clear()
        other = next(each for each in arena.workers if each.alive)
        await until(lambda: "connection_lost" in other.events_logged(), 2 * LEASE + 10)
        account = (await other.until_works(arena.main.name, works=False))["accounts"][arena.main.name]
        assert account["state"] == "credential_refused"
        assert account["last_error"].startswith(LOST)
        await arena.connect(arena.main)
        await other.until_works(arena.main.name, seconds=20)
        await arena.start_again(worker)
    assert len(arena.sandbox.oauth.used_twice()) == 1


async def test_a_kill_before_kit_has_the_refresh_costs_a_moment(arena: Arena) -> None:
    """Given a kill while Kit has not carried it out, the next worker does, and nothing is lost."""
    arena.sandbox.oauth.token_life = LIFE
    await arena.connect(arena.main)
    async with arena.running(events=600, per_second=30, workers=("one", "two"), KIT_TIMEOUT=str(KIT_TIMEOUT)):
        await arena.settled(30)
        worker = await _refreshing(arena, Fault(FaultKind.HANG))
        await arena.kill(worker)
        arena.sandbox.faults.clear()
        await arena.start_again(worker)
    assert arena.sandbox.oauth.used_twice() == []


async def test_a_stop_between_kits_answer_and_the_ledger_loses_nothing(arena: Arena) -> None:
    """Given SIGTERM in that very moment, the worker waits for the answer and the commit before it ends."""
    arena.sandbox.oauth.token_life = LIFE
    await arena.connect(arena.main)
    async with arena.running(events=600, per_second=30, workers=("one", "two"), KIT_TIMEOUT=str(KIT_TIMEOUT)):
        await arena.settled(30)
        for _ in range(2):
            worker = await _refreshing(arena, Fault(FaultKind.SLOW, delay=1.0, applied=True))
            assert await worker.stop() == 0
            arena.sandbox.faults.clear()
            await arena.start_again(worker)
    assert arena.sandbox.oauth.used_twice() == []


@pytest.mark.full
async def test_a_worker_that_stood_still_in_its_turn_sends_nothing_late(arena: Arena) -> None:
    """Given SIGSTOP with a refresh under way, another worker does it, and the first one nothing more.

    What the first one has sent already, nobody can call back. The ledger is in PostgreSQL, which ends a
    transaction that stands still; a SQLite file would be locked by it.
    """
    arena.sandbox.oauth.token_life = LIFE
    async with ledger_faults.on_postgres(arena):
        await arena.connect(arena.main)
        async with arena.running(
            events=900, per_second=30, workers=("one", "two"), KIT_TIMEOUT=str(KIT_TIMEOUT)
        ):
            await arena.settled(30)
            worker = await _refreshing(arena, Fault(FaultKind.HANG))
            worker.process.send_signal(signal.SIGSTOP)
            arena.note_death(worker)
            arena.sandbox.faults.clear()
            refreshes = len(arena.sandbox.oauth.refreshes)
            await until(lambda: len(arena.sandbox.oauth.refreshes) > refreshes, 90)
            worker.process.send_signal(signal.SIGCONT)
            await arena.green()
    assert arena.sandbox.oauth.used_twice() == []


async def _refreshing(arena: Arena, fault: Fault) -> ChaosWorker:
    """Wait until a refresh is under way that this fault keeps there; the worker whose it is.

    It is the one that is active: the other one has nothing to call for.
    """
    rule = arena.sandbox.faults.add(Rule(fault, path=TOKEN))
    await until(lambda: rule.struck > 0)
    return max(
        (worker for worker in arena.workers if worker.alive),
        key=lambda worker: max(
            (
                line["timestamp"]
                for line in worker.log_lines()
                if line["event"] == "event_applied" and line["account"] == arena.main.name
            ),
            default="",
        ),
    )
