"""What workers were told to do about what a comparison has found: how far that is, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from worker.accounts.account import Account
from worker.ledger.drift import DriftRuns
from worker.ledger.journal import Action, Journal, JournalLine
from worker.ops.drift.mend import ADOPTED, REPAIRED, run_of, start, told_mended
from worker.ops.drift.plan import plan_of
from worker.ops.own_runs import ends, left
from worker.page.behind import AT_ONCE, Counted, Going, NotBegunError
from worker.page.site import Site

SHOWN: Final = 3
"""Of them that are shown."""
LINES: Final = 20
"""Lines of the journal that are looked at for them."""
MEND: Final = "mend drift"
ANOTHER: Final = "Nothing was begun: it is another comparison by now, or none."
ENDED: Final = {REPAIRED: f"{REPAIRED} ended", ADOPTED: f"{ADOPTED} ended"}


@dataclass(frozen=True, slots=True)
class ShownMending:
    """What is done of a plan, or was.

    Attributes:
        begun: The line of the journal that tells who began it, and for how many people.
        adopts: Whether Kit's word is taken; else Kit gets again what it was given.
        left: How many of them are not done yet.
        told: How it ended; empty while it goes on, or is being counted.
    """

    begun: JournalLine
    adopts: bool
    left: int
    told: str = ""

    @property
    def done(self) -> int:
        """How many people are done."""
        return max(0, self.begun.action.count - self.left)


async def mendings_of(site: Site, account: str) -> list[ShownMending]:
    """Return an account's last ones, the last first, and begin to count how they ended.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    ended, found = dict[tuple[str, str], str](), list[ShownMending]()
    for line in await Journal(site.ledger).of(account, (*ENDED, *ENDED.values()), LINES):
        action, plan = line.action.action, line.action.what
        if action not in ENDED:
            ended.setdefault((action, plan), line.action.result)
        elif len(found) < SHOWN and all(plan != each.begun.action.what for each in found):
            told = ended.get((ENDED[action], plan), "")
            found.append(await _shown(site, account, line, told))
    return found


async def mend(site: Site, account: Account, who: str, asked: str, *, adopt: bool) -> Going:
    """Have workers mend what a comparison has found, if it still is the last; see `start`.

    Args:
        site: The page.
        account: Whose.
        who: Who says so.
        asked: When the comparison was asked for, as the view says it.
        adopt: Whether Kit's word is taken.
    """

    async def work(counted: Counted) -> None:
        runs = DriftRuns(site.ledger)
        run = await runs.get(account.name)
        if run is None or str(run.asked_at) != asked:
            raise NotBegunError(ANOTHER)
        plan = plan_of(run, account.version, await runs.found(account.name))
        await start(site.ledger, plan, who, adopt=adopt, counted=counted)

    return await site.behind.do(account.name, MEND, work)


async def is_being_mended(site: Site, account: str) -> bool:
    """Tell whether workers are at what a comparison has found, or are being told of it.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    going = site.behind.going(account, MEND)
    is_begun = going is not None and not going.ended.is_set()
    return is_begun or any(not each.told for each in await mendings_of(site, account))


async def _shown(site: Site, account: str, begun: JournalLine, told: str) -> ShownMending:
    adopts, plan, count = begun.action.action == ADOPTED, begun.action.what, begun.action.count
    run = run_of(plan, adopt=adopts)
    if told:
        return ShownMending(begun, adopts, 0, told)
    waiting = await left(site.ledger, account, run)
    if not waiting:

        async def work(_: Counted) -> None:
            end = told_mended(await ends(site.ledger, account, run, count))
            said, action = "; ".join((end.sentence.removesuffix("."), *end.why)), ENDED[begun.action.action]
            await Journal(site.ledger).append(Action(account, site.ledger.worker, action, plan, count, said))

        await site.behind.do(account, f"count {run}", work, within=AT_ONCE)
    return ShownMending(begun, adopts, waiting)
