"""Does to dead letters what people want, in the background, and carries on with what was left half done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final

import structlog

from worker.accounts.account import Account
from worker.broker.connection import Connection
from worker.broker.publisher import Publisher
from worker.broker.queues import connected
from worker.broker.topology import Topology, archive_queue, dead_letter_queue
from worker.dead_letters import operations
from worker.dead_letters.letter import DeadLetter
from worker.errors import BrokerUnavailable, EpochLost, LedgerUnavailable
from worker.ledger.journal import Action, Journal
from worker.ledger.letter_runs import LetterRuns, Run, RunAction, Wanted
from worker.ledger.letter_work import LetterWork, RunEnd
from worker.ledger.letters import LetterPlace
from worker.ledger.store import Ledger
from worker.ledger.wholly import wholly
from worker.ops.letters.dry_run import AT_ONCE, fates
from worker.ops.letters.ends import ended
from worker.ops.letters.forecast import Forecast
from worker.ops.letters.progress import PORTION, RunProgress
from worker.ops.letters.told import ToldFates
from worker.ops.letters.turns import Turns
from worker.settings import Settings
from worker.subscribers.identity import id_key

log = structlog.get_logger()

SIGN_EVERY: Final = 3.0
"""Seconds between two signs that somebody carries on with a run."""
AGAIN_AFTER: Final = 5.0
"""Seconds until what failed is tried again."""
TRIES: Final = 60

CRASHED: Final = "It stopped half-way: a fault of this program, and the log of kit-worker page has it."
LEFT: Final = "Letters that are left are where they were. Tell an operator, and do it again then."
PASSING: Final = (BrokerUnavailable, LedgerUnavailable, EpochLost)
"""What is over after a while."""
MOVED_TO: Final = {RunAction.ARCHIVE: LetterPlace.ARCHIVE, RunAction.RESTORE: LetterPlace.DEAD}


class TheseLetters:
    """Selects letters by their ids."""

    def __init__(self, ids: frozenset[str]) -> None:
        self.ids = ids

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a letter is one of them."""
        return id_key(letter.id) in self.ids


def queue_of(account: str, place: LetterPlace) -> str:
    """Return the name of the queue in which letters are."""
    return archive_queue(account) if place is LetterPlace.ARCHIVE else dead_letter_queue(account)


class LetterRunner:
    """Carries out the runs that nobody carries out, one at a time in each account.

    Args:
        settings: Where the broker is.
        ledger: Where runs are noted.
        account: Returns an account as its file is now; None where that has a mistake.
        turns: Of those who go through letters.

    Attributes:
        told: What its dry runs said of letters.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, account: Callable[[str], Account | None], turns: Turns
    ) -> None:
        self.told = ToldFates()
        self._settings = settings
        self._ledger = ledger
        self._account = account
        self._turns = turns
        self._work = LetterWork(ledger)
        self._mine: set[int] = set()
        self._waited_for: dict[int, asyncio.Event] = {}
        self._woken = asyncio.Event()

    async def begin(self, account: str, wanted: Wanted, *, within: float = 0.0) -> Run | None:
        """Begin what somebody wants; see `LetterRuns.begin`.

        Args:
            account: Of which account.
            wanted: What.
            within: So many seconds are waited for its end, since most runs are short.
        """
        run = await LetterRuns(self._ledger).begin(account, wanted)
        if run is not None:
            ends = self._waited_for[run.id] = asyncio.Event()
            self._woken.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await ends.wait()
            del self._waited_for[run.id]
        return run

    async def run(self) -> None:
        """Carry out runs until cancelled; what is under way then, somebody else can carry on with at once."""
        try:
            async with asyncio.TaskGroup() as group:
                while True:
                    with suppress(LedgerUnavailable):  # whoever looks at the page is told
                        await self._take_on(group)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(SIGN_EVERY):
                            await self._woken.wait()
                    self._woken.clear()
        finally:
            if self._mine:
                with suppress(LedgerUnavailable):
                    await self._work.let_go(self._mine)

    async def _take_on(self, group: asyncio.TaskGroup) -> None:
        if self._mine:
            await wholly(self._work.sign(self._mine))
        for run in await wholly(self._work.claim()):
            self._mine.add(run.id)
            group.create_task(self._carry_out(run))

    async def _carry_out(self, run: Run) -> None:
        await self._end(run, await self._until_done(run))
        self._mine.discard(run.id)
        if run.id in self._waited_for:
            self._waited_for[run.id].set()

    async def _until_done(self, run: Run) -> RunEnd:
        """Do it; what fails for a while is tried again, and goes on with what is left.

        Between two tries the account's letters are for whoever else looks at them.
        """
        problem, progress = "", RunProgress(self._work, run, MOVED_TO.get(run.action))
        for _ in range(TRIES):
            try:
                async with self._turns.of(run.account):
                    return await self._once(run, progress)
            except PASSING as error:
                problem = str(error)
                log.warning("dead_letters_run_waits", account=run.account, run=run.id, problem=problem)
            except Exception:  # the edge: whoever waits for it is told, and other runs go on
                log.exception("dead_letters_run_crashed", account=run.account, run=run.id)
                return RunEnd("bad", CRASHED, LEFT)
            await asyncio.sleep(AGAIN_AFTER)
        return RunEnd("bad", f"It was given up: {problem}.", LEFT)

    async def _end(self, run: Run, end: RunEnd) -> None:
        """Note how it ended, in the run and in the journal, however long that takes."""
        what = run.reason or f"letter {run.letter}"
        told = Action(run.account, run.who, f"{run.action} ended", what, run.total, end.result)
        while True:
            try:
                await self._work.end(run, end)
                await Journal(self._ledger).append(told)
            except LedgerUnavailable as error:
                log.warning("dead_letters_run_waits", account=run.account, run=run.id, problem=str(error))
                await asyncio.sleep(AGAIN_AFTER)
            else:
                return

    async def _once(self, run: Run, progress: RunProgress) -> RunEnd:
        await progress.note()
        left = TheseLetters(frozenset(await wholly(self._work.left(run))))
        async with self._connected() as connection:
            if run.action is RunAction.DRY_RUN:
                return await self._dry_run(run, left, connection)
            async with self._connected() as publishing, progress:
                saw_all = await self._do(run, left, connection, publishing, progress)
                missing = TheseLetters(left.ids - progress.ids if saw_all else frozenset())
                await self._moved_before(run, missing, connection, progress)
        gone = sorted(left.ids - progress.ids)
        for at in range(0, len(gone) if saw_all else 0, PORTION):
            await self._work.done(run, gone[at : at + PORTION], gone=True)
        now = await LetterRuns(self._ledger).get(run.account, run.id) or run
        # Rows that neither is so of went meanwhile: their persons were forgotten.
        erased = max(0, now.total - now.done - len(await self._work.left(run)))
        return RunEnd(*ended(run.action, now.total, now.done + erased, now.gone + erased))

    async def _do(
        self,
        run: Run,
        left: TheseLetters,
        connection: Connection,
        publishing: Connection,
        progress: RunProgress,
    ) -> bool:
        """Do it to all that is left; tell whether nobody else held letters."""
        account, count, publisher = run.account, len(left.ids), Publisher(publishing)
        source = queue_of(account, run.place)
        if run.action is RunAction.REPLAY:
            return await operations.replay(
                connection, publisher, account, left, progress.done, count=count, run=run.id
            )
        if run.action is RunAction.DISCARD:
            return await operations.discard(
                connection, account, left, progress.done, queue=source, count=count
            )
        if run.action is RunAction.ARCHIVE:
            await Topology(connection, self._settings.events_exchange).declare_archive(account)
        target = queue_of(account, MOVED_TO[run.action])
        return await operations.move(
            connection, publisher, account, left, progress.done, source=source, target=target, count=count
        )

    async def _moved_before(
        self, run: Run, missing: TheseLetters, connection: Connection, progress: RunProgress
    ) -> None:
        """Tell of what was moved by somebody who was killed, or had no ledger, before they had noted it."""
        target = MOVED_TO.get(run.action)
        if target is not None and missing.ids:
            queue, count = queue_of(run.account, target), len(missing.ids)
            async for letter in operations.whole_letters(
                connection, run.account, missing, queue=queue, count=count
            ):
                progress.done(letter)

    async def _dry_run(self, run: Run, left: TheseLetters, connection: Connection) -> RunEnd:
        account = self._account(run.account)
        if account is None:
            said = "The account's file has a mistake, so nobody knows what a replay would do."
            return RunEnd("bad", said, "Connection shows the mistake; put it right first.")
        found, seen = Forecast(), 0
        queue, count = queue_of(run.account, run.place), len(left.ids)
        letters = operations.whole_letters(connection, run.account, left, queue=queue, count=count)
        self.told.begin(run.id)
        async for letter, fate in fates(letters, account, self._ledger):
            self.told.tell(run.id, id_key(letter.id), fate)
            found, seen = found.with_one_more(fate), seen + 1
            if seen % AT_ONCE == 0 or seen == count:
                await self._work.seen(run, seen)
        mood = "bad" if found.again and not found.applied else "busy" if found.again else "good"
        return RunEnd(mood, found.told, found.remedy)

    def _connected(self) -> AbstractAsyncContextManager[Connection]:
        return connected(self._settings.amqp_url.get_secret_value(), "page")
