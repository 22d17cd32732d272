"""What the trial sees of the stack, and what should be so."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from itertools import groupby
from typing import Final

from tests.container.docker import TrialFailed
from tests.container.stack import Stack, caller
from tests.container.workload import Workload
from worker.broker.topology import consumer_priority, dead_letter_queue, work_queue
from worker.sandbox import Call, overlaps

SETTLE_TIMEOUT: Final = 300
POLL: Final = 0.5
REFUSED: Final = 503
HELD: Final = "held"


def say(text: str) -> None:
    """Tell the person who watches."""
    print(text, flush=True)  # noqa: T201  # it is a program that people run


class Observer:
    """Looks at a stack that does a workload's work, and gathers what is wrong."""

    def __init__(self, stack: Stack, workload: Workload) -> None:
        self.stack = stack
        self.load = workload
        self.names = [account.name for account in workload.events]
        self.problems: list[str] = []

    def check(self, holds: bool, otherwise: str) -> None:
        """Note a problem unless it holds."""
        if not holds:
            self.problems.append(otherwise)
            say(f"  WRONG: {otherwise}")

    # -- waiting --------------------------------------------------------------------------------------

    async def settled(self) -> None:
        """Wait until no event is left in a work queue.

        Raises:
            TrialFailed: Some still are after `SETTLE_TIMEOUT`.
        """
        deadline = time.monotonic() + SETTLE_TIMEOUT
        while any(depths := await asyncio.to_thread(self.depths, work_queue)):
            if time.monotonic() > deadline:
                raise TrialFailed(f"events still wait after {SETTLE_TIMEOUT} s: {depths}")
            await asyncio.sleep(POLL)

    async def owned_by_the_best(
        self, workers: Collection[str], seconds: float = 90.0, names: Collection[str] = ()
    ) -> None:
        """Wait until each account is with that worker, of these, that has the highest priority for it.

        Args:
            workers: Who may have them.
            seconds: How long that may take.
            names: Of accounts; without any, all are meant.
        """
        names = names or self.names
        should = {name: max(workers, key=lambda each: consumer_priority(each, name)) for name in names}
        started = time.monotonic()
        while True:
            consumers = await asyncio.to_thread(self.stack.consumers)
            active = {name: consumers[name].active for name in names if name in consumers}
            if active == should:
                break
            if time.monotonic() - started > seconds:
                astray = {name: active.get(name) for name in names if active.get(name) != should[name]}
                text = f"{len(astray)} accounts are elsewhere, or nowhere: {dict(list(astray.items())[:5])}"
                self.check(False, text)  # noqa: FBT003  # it is so
                return
            await asyncio.sleep(0.2)
        spread = ", ".join(f"{worker}: {count}" for worker, count in sorted(Counter(active.values()).items()))
        say(f"  accounts where their priority is highest, {time.monotonic() - started:.1f} s later: {spread}")

    async def all_ready(self, seconds: float = 60.0) -> None:
        """Wait until every worker says 200 on `/readyz`, and none of them holds an account."""
        started = time.monotonic()
        while True:
            seen = await asyncio.to_thread(self.readiness)
            if all(status != REFUSED and not held for status, held in seen.values()):
                return
            if time.monotonic() - started > seconds:
                self.check(False, f"/readyz is not green again: {seen}")  # noqa: FBT003  # it is so
                return
            await asyncio.sleep(POLL)

    # -- looking --------------------------------------------------------------------------------------

    def readiness(self) -> dict[str, tuple[int, set[str]]]:
        """Return, by running worker, the status of its `/readyz` and the accounts that it holds."""
        seen = {}
        for worker in self.running():
            status, body = self.stack.readyz(worker)
            seen[worker] = (
                status,
                {name for name, each in body["accounts"].items() if each["state"] == HELD},
            )
        return seen

    def running(self) -> list[str]:
        """Return the workers that run."""
        return [name for name, state in self.stack.states().items() if not state.startswith("exit")]

    def by_accounts_held(self) -> list[str]:
        """Return the workers that run, the one with the most accounts first."""
        held = Counter(each.active for each in self.stack.consumers().values())
        return sorted(self.running(), key=lambda worker: -held[worker])

    def depths(self, queue: Callable[[str], str]) -> list[int]:
        """Return how many messages each account's queue of that kind holds."""
        depths = self.stack.depths()
        return [depths[queue(name)] for name in self.names]

    def calls_of(self, name: str) -> list[Call]:
        """Return the calls that were made for an account."""
        (key,) = [account.key for account in self.load.events if account.name == name]
        return [call for call in self.stack.calls() if call.credential == f"…{key[-4:]}"]

    # -- the end --------------------------------------------------------------------------------------

    def check_outcome(self) -> None:
        """Nobody wrong, nothing lost, nothing dead, and never two workers at one account."""
        calls = self.stack.calls()
        per_account = defaultdict(list)
        for call in calls:
            per_account[call.credential].append(call)
        pairs = [pair for each in per_account.values() for pair in overlaps(filter(_is_work, each), caller)]
        moves = sum(len(list(groupby(map(caller, each)))) - 1 for each in per_account.values())
        statuses = Counter(call.status for call in calls)
        dead = self.depths(dead_letter_queue)
        wrong = self.load.wrong_people(self.stack.kit_accounts())
        lost, outcomes = self._accounted_for()
        per_event = len(calls) / self.load.count
        say(f"calls to Kit: {len(calls)}, {per_event:.2f} per event; by status: {dict(statuses)}")
        say(f"moves of an account to another worker: {moves}; calls of two workers at once: {len(pairs)}")
        say(f"events: {self.load.count}; in the ledger's history: {dict(outcomes)}; lost: {len(lost)}")
        say(f"people with a wrong state: {len(wrong)}; dead letters: {sum(dead)}; messages left: 0")
        self.check(not pairs, f"two workers were active for one account: {pairs[:3]}")
        self.check(not any(dead), f"there are dead letters: {dead}")
        self.check(not lost, f"the ledger knows nothing of {sorted(lost)[:5]}")
        self.check(not wrong, "people are wrong: " + "; ".join(wrong[:5]))

    def _accounted_for(self) -> tuple[set[tuple[str, str]], Counter[str]]:
        """Return the events that the ledger does not know, and how often it has each outcome."""
        lines = self.stack.history()
        known = {(account, event_id) for account, event_id, _ in lines}
        published = {
            (account.name, event["id"]) for account, events in self.load.events.items() for event in events
        }
        return published - known, Counter(outcome for _, _, outcome in lines)


def _is_work(call: Call) -> bool:
    """Whether it is more than the look at Kit before a worker consumes, when another may be at work."""
    return call.endpoint != "GET /v4/account"
