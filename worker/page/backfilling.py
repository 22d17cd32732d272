"""Plans files of members that somebody uploads, and hands their rows to the workers: beside the views.

A file waits in the memory of this process alone, and is nowhere on disk, until somebody agrees to its plan:
for an hour at most. It is let go as soon as somebody is forgotten in its account, as they may be in it, and
once its rows are with the workers. What is under way then is in the ledger.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import suppress
from hashlib import sha256
from typing import Final

import structlog

from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger.forgetting import last_forgotten
from worker.ledger.journal import Action, Journal
from worker.ledger.store import Ledger
from worker.ops.backfill.columns import Columns
from worker.ops.backfill.options import MembersFileError, run_of
from worker.ops.backfill.plan import BackfillPlan, Planning
from worker.ops.backfill.reading import lines_in, read_rows
from worker.ops.backfill.run import HowFar, latest, other_versions, stage_of, start
from worker.ops.backfill.spool import Spool
from worker.ops.backfill.told import told_backfill
from worker.ops.told_impact import limit_of
from worker.outside.texts import line
from worker.page.applying import CRASHED, WITHIN
from worker.page.behind import in_slices
from worker.page.members_file import ANOTHER, FORGOTTEN, WAITED, MembersFile, ShownBackfill
from worker.settings import Settings

log = structlog.get_logger()

EVERY: Final = 2.0
"""Seconds between two looks at whether somebody was forgotten."""
KEPT_FOR: Final = 3600.0
"""Seconds for which a file waits."""
MOST: Final = 5
"""Files that are kept; of more the oldest are let go."""
MOST_ROWS: Final = 100_000
"""Lines of a file; larger ones are for the command, which has a machine's memory for itself."""
LONGEST_WHY: Final = 600
"""Characters of why a file cannot be taken, which may name its columns."""
MOST_WRONG: Final = 500
"""Rows that are told one by one, of each kind."""
TOO_MANY: Final = (
    f"It has more than {MOST_ROWS:,} lines, which the page takes at most. Take the command for it: "
    "kit-worker backfill."
)
OTHERWISE: Final = "Nothing was begun: there would be {:,} new taggings by now. Below is the new plan."
TAKEN_IN: Final = "Nothing was begun: the workers have this file, by these options, already."


class _LetGoError(Exception):
    """The file is not kept any more."""


class Backfilling:
    """Plans files and hands them over, one after the other.

    Args:
        ledger: The workers'.
        clock: The time.
        settings: From the environment.
        give_way: Waits while views are being made.

    Attributes:
        coming: How many files are on their way here.
    """

    def __init__(
        self, ledger: Ledger, clock: Clock, settings: Settings, give_way: Callable[[], Awaitable[None]]
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self._give_way = give_way
        self._files: dict[str, MembersFile] = {}
        self._wanted: asyncio.Queue[MembersFile] = asyncio.Queue()
        self.coming = 0

    async def file(self, account: str, version: str) -> MembersFile | None:
        """Return the file of an account that waits, or why it does not any more.

        Args:
            account: Its name.
            version: Of its own file, which is in force now.

        Raises:
            LedgerUnavailable: The ledger could not be read.
        """
        found = self._files.get(account)
        if found is not None and found.content and found.account.version != version:
            found.let_go(ANOTHER)
        return await self._known(account)

    async def _known(self, account: str) -> MembersFile | None:
        found = self._files.get(account)
        if (
            found is not None
            and found.content
            and found.forgotten != await last_forgotten(self._ledger, account)
        ):
            found.let_go(FORGOTTEN)
        return found

    async def plan(self, file: MembersFile) -> None:
        """Have a file planned, in the place of the account's last one, and wait for it for a moment.

        Raises:
            MembersFileError: The last one is being handed to the workers.
            LedgerUnavailable: Nothing is kept of it.
        """
        name = file.account.name
        if self.is_handing_over(name):
            raise MembersFileError("the file before is being handed to the workers; wait until that is done")
        file.forgotten, file.came_at = await last_forgotten(self._ledger, name), self._clock.monotonic()
        file.expected = file.content.count(b"\n") + 1
        if file.expected > MOST_ROWS:
            file.let_go(TOO_MANY)
        self.put_away(name)
        self._files[name] = file
        for oldest in [each for each in self._files.values() if each.content and each.agreed is None][:-MOST]:
            oldest.let_go(WAITED)
        await self._ask_for(file)

    async def hand_over(self, file: MembersFile, who: str) -> None:
        """Have a file's rows handed to the workers, if its plan is still so, and wait for it for a moment."""
        if file.shown is not None and file.agreed is None:
            file.agreed, file.agreed_by, file.problem = file.shown.taggings, who, ""
            file.ended.clear()
            await self._ask_for(file)

    def is_handing_over(self, account: str) -> bool:
        """Tell whether an account's file is being handed to the workers, or waits for that."""
        found = self._files.get(account)
        return found is not None and bool(found.agreed_by) and not found.ended.is_set()

    def put_away(self, account: str) -> None:
        """Keep nothing of an account's file."""
        if (found := self._files.pop(account, None)) is not None:
            found.let_go("")

    async def _ask_for(self, file: MembersFile) -> None:
        file.begun_at, file.seen = None, 0
        if file.content:
            self._wanted.put_nowait(file)
            with suppress(TimeoutError):
                async with asyncio.timeout(WITHIN):
                    await file.ended.wait()

    async def run(self) -> None:
        """Do what is wanted, and let go of files, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._let_go())
            while True:
                file = await self._wanted.get()
                file.begun_at = self._clock.monotonic()
                await self._done(file)
                file.ended.set()

    async def _let_go(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            for name, file in list(self._files.items()):
                with suppress(LedgerUnavailable):  # whoever looks at the page is told
                    await self._known(name)
                is_old = self._clock.monotonic() - file.came_at > KEPT_FOR
                if is_old and file.content and file.agreed is None:
                    file.let_go(WAITED)

    # -- one file -------------------------------------------------------------------------------------

    async def _done(self, file: MembersFile) -> None:
        try:
            # In memory, as all of it: nothing of people is to be found on a disk.
            with Spool(io.BytesIO()) as spool:
                await self._planned(file, spool)
        except _LetGoError:
            pass  # the view says why
        except MembersFileError as error:
            file.let_go(f"The file cannot be taken: {line(str(error), LONGEST_WHY)}.")
        except LedgerUnavailable as error:
            file.problem, file.agreed = f"Not all was done: {error}. Try it once more.", None
        except Exception:  # the edge: whoever waits for it is told, and the page goes on
            log.exception("page_backfill_crashed", account=file.account.name)
            file.let_go(CRASHED)

    async def _planned(self, file: MembersFile, spool: Spool) -> None:
        account, options = file.account, file.options
        run = run_of(account.name, sha256(file.content).hexdigest(), options)
        plan = BackfillPlan(account.name, run, spool)
        rows = read_rows(lines_in(io.BytesIO(file.content)), account, options)

        give_way = in_slices(self._give_way, self._clock)

        async def goes_on() -> None:
            await give_way()
            if not file.content:
                raise _LetGoError

        planning = Planning(self._ledger, account, options.imported, self._settings.known_state_ttl, plan)
        await planning.plan(rows, file.counted, goes_on=goes_on)
        if await self._known(account.name) is not file or not file.content:
            raise _LetGoError
        if file.agreed is None:
            file.shown = self._shown(file, plan, rows.columns)
            await Journal(self._ledger).append(_noted(file, plan))
        else:
            await self._handed_over(file, plan, rows.columns)

    async def _handed_over(self, file: MembersFile, plan: BackfillPlan, columns: Columns | None) -> None:
        """Hand a plan's rows over, if it is as somebody has agreed to, or what is left of that."""
        stage = stage_of(await latest(self._ledger, plan.account, plan.run))
        agreed, file.agreed = file.agreed or 0, None
        is_less = stage is HowFar.NEW and plan.new_taggings < agreed
        if stage is HowFar.HANDED_OVER:
            file.problem = TAKEN_IN
        elif plan.new_taggings > agreed or is_less:
            file.shown = self._shown(file, plan, columns)
            file.problem = OTHERWISE.format(plan.new_taggings)
        elif others := await other_versions(self._ledger):
            file.problem = f"Nothing was begun: {others}. Bring them all to one version first."
        else:
            file.seen, file.expected, file.agreed = 0, len(plan.order), agreed
            await start(self._ledger, plan, file.agreed_by, file.counted)
            self.put_away(plan.account)

    def _shown(self, file: MembersFile, plan: BackfillPlan, columns: Columns | None) -> ShownBackfill:
        told = told_backfill(
            plan, columns, file.options, limit_of(file.account, self._settings.kit_rate_limit)
        )
        wrong, dead = (tuple(rows[:MOST_WRONG]) for rows in (plan.wrong, plan.dead))
        return ShownBackfill(
            plan.run, len(plan.order), plan.new_taggings, told, wrong, len(plan.wrong), dead, len(plan.dead)
        )


def _noted(file: MembersFile, plan: BackfillPlan) -> Action:
    told = (
        f"A plan for {len(plan.order):,} rows, with {plan.new_taggings:,} new taggings; nothing is done yet"
    )
    return Action(plan.account, file.who, "plan", "members", len(plan.order), told)
