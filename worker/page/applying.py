"""Makes plans to bring people under the file in force, and has workers carry them out: beside the views.

To make a plan for many people takes its time, and so does setting their timers. What is under way is in the
ledger: after a restart, or where a command has begun it, this carries on; several pages may at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger.journal import Action, Journal
from worker.ledger.plan_runs import PlanAction, PlanRuns
from worker.ledger.plans import KeptPlan
from worker.ledger.store import Ledger
from worker.ledger.taggings import count_people
from worker.ledger.wholly import wholly
from worker.ops.apply_run import carry_on, end, left
from worker.ops.kept_plan import PlanReplacedError, make_plan
from worker.ops.told_impact import limit_of

log = structlog.get_logger()

EVERY: Final = 2.0
"""Seconds between two looks at what is under way."""
WITHIN: Final = 1.0
"""Seconds for which whoever asks for a plan waits for it: most accounts are small."""
CRASHED: Final = "It stopped half-way: a fault of this program, and the log of kit-worker page has it."


def still_takes(begun_at: float | None, seen: int, expected: int, now: float) -> float | None:
    """Return about how many seconds what was begun still takes; None where nobody can tell."""
    if begun_at is None or not seen:
        return None
    return (now - begun_at) / seen * max(0, expected - seen)


@dataclass(slots=True)
class PlanInMaking:
    """A plan that is being made.

    Attributes:
        account: By the file in force.
        who: Who asked for it.
        begun_at: When it was begun, by the monotonic clock; None while others are made.
        expected: How many people there are.
        seen: How many of them have been looked at.
        problem: Why it could not be made.
        ended: Set once it has ended.
    """

    account: Account
    who: str
    begun_at: float | None = None
    expected: int = 0
    seen: int = 0
    problem: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def left(self, now: float) -> float | None:
        """Return about how many seconds it still takes; None where nobody can tell."""
        return still_takes(self.begun_at, self.seen, self.expected, now)


class Applying:
    """Makes plans, one after the other, and has workers carry them out.

    Args:
        ledger: The workers'.
        clock: The time.
        rate_limit: `KIT_RATE_LIMIT`.
        give_way: Waits while views are being made.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, rate_limit: int, give_way: Callable[[], Awaitable[None]]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._rate_limit = rate_limit
        self._give_way = give_way
        self._making: dict[str, PlanInMaking] = {}
        self._wanted: asyncio.Queue[PlanInMaking] = asyncio.Queue()
        self._mine: set[tuple[int, PlanAction]] = set()
        self._woken = asyncio.Event()

    def making(self, account: str) -> PlanInMaking | None:
        """Return the plan of an account that is being made, or could not be; None where there is none."""
        return self._making.get(account)

    async def make(self, account: Account, who: str) -> None:
        """Have a plan made, if none of the same file is being made already, and wait for it for a moment."""
        found = self._making.get(account.name)
        if found is None or found.ended.is_set() or found.account.version != account.version:
            found = self._making[account.name] = PlanInMaking(account, who)
            self._wanted.put_nowait(found)
        with suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                await found.ended.wait()

    def begun(self) -> None:
        """Look at once at what is under way."""
        self._woken.set()

    async def run(self) -> None:
        """Make and carry out what is wanted, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._make_plans())
            while True:
                with suppress(LedgerUnavailable):  # whoever looks at the page is told
                    await self._take_on(group)
                with suppress(TimeoutError):
                    async with asyncio.timeout(EVERY):
                        await self._woken.wait()
                self._woken.clear()

    # -- making plans ---------------------------------------------------------------------------------

    async def _make_plans(self) -> None:
        while True:
            await self._make_plan(await self._wanted.get())

    async def _make_plan(self, making: PlanInMaking) -> None:
        account = making.account

        def counted(count: int) -> None:
            making.seen += count

        making.begun_at = self._clock.monotonic()
        try:
            making.expected = await count_people(self._ledger.database, account.name)
            limit = limit_of(account, self._rate_limit)
            plan = await make_plan(self._ledger, account, making.who, limit, counted, self._give_way)
            await Journal(self._ledger).append(_noted(plan))
        except PlanReplacedError:
            making.problem = ""  # that one is shown
        except LedgerUnavailable as error:
            making.problem = f"No plan was made: {error}."
        except Exception:  # the edge: whoever waits for it is told, and the page goes on
            log.exception("page_plan_crashed", account=account.name)
            making.problem = CRASHED
        if not making.problem and self._making.get(account.name) is making:
            del self._making[account.name]
        making.ended.set()

    # -- carrying them out ----------------------------------------------------------------------------

    async def _take_on(self, group: asyncio.TaskGroup) -> None:
        for plan, run in await wholly(PlanRuns(self._ledger).under_way()):
            if (plan.id, run.action) not in self._mine:
                self._mine.add((plan.id, run.action))
                group.create_task(self._carry_on(plan, run.action))

    async def _carry_on(self, plan: KeptPlan, action: PlanAction) -> None:
        try:
            run = await carry_on(self._ledger, plan, action, goes_on=self._give_way)
            if run is not None and run.ended_at is None and not await left(self._ledger, plan, run):
                await end(self._ledger, plan, run, self._give_way)
        except LedgerUnavailable as error:
            log.warning("page_plan_waits", account=plan.account, problem=str(error))
        except Exception:  # the edge: the others go on
            log.exception("page_plan_crashed", account=plan.account)
        finally:
            self._mine.discard((plan.id, action))


def _noted(plan: KeptPlan) -> Action:
    told = f"A plan for {plan.people:,} people, with {plan.taggings:,} new taggings; nothing is done yet"
    return Action(plan.account, plan.who, "plan", plan.hash, plan.people, told)
