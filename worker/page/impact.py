"""What a change of an account's file would have made of the events that came last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.accounts.account import Account
from worker.accounts.impact import would_differ
from worker.errors import LedgerUnavailable
from worker.ledger.history import find_history
from worker.ops.came import came
from worker.page.site import NO_LEDGER, Site

LATEST: Final = 500
"""Events that are looked at."""


@dataclass(frozen=True, slots=True)
class Impact:
    """What would have been otherwise.

    Attributes:
        count: How many events were looked at.
        otherwise: Of each type, how many would have done something else.
        not_known: Of each type, of how many nobody can tell.
        problem: Why none could be looked at; empty where they could.
    """

    count: int = 0
    otherwise: Mapping[str, int] | None = None
    not_known: Mapping[str, int] | None = None
    problem: str = ""

    @property
    def sentence(self) -> str:
        """What people are told."""
        if self.problem:
            return f"What it would have done to the last events is not known. {self.problem}"
        if not self.count:
            return "No event has come yet that it could be tried on."
        differ, open_ones = _told(self.otherwise), _told(self.not_known)
        of = f"the last {self.count} events" if self.count > 1 else "the only event so far"
        first = f"Of {of}, {differ or 'none'} would have done something else" + ("" if open_ones else ".")
        more = f"; of {open_ones} nobody can tell, since the history keeps only what was sent to Kit."
        return first + (more if open_ones else "")


def _told(counts: Mapping[str, int] | None) -> str:
    found = counts or {}
    kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(found.items()))
    return f"{sum(found.values())} ({kinds})" if found else ""


async def impact_of(site: Site, before: Account | None, after: Account) -> Impact:
    """Return what the latest events would have done otherwise.

    Args:
        site: With the ledger.
        before: The account by the file as it is; None where that is wrong.
        after: The account by the other one.
    """
    if before is None:
        return Impact(problem="The present file has a mistake, so there is nothing to compare with.")
    try:
        if not await site.has_ledger():
            return Impact(problem=NO_LEDGER)
        lines = await find_history(site.ledger.database, account=before.name, limit=LATEST)
    except LedgerUnavailable as error:
        return Impact(problem=f"The ledger cannot be read: {error}.")
    verdicts = [(each.event_type, would_differ(before, after, came(each, before.version))) for each in lines]
    otherwise = Counter(kind for kind, verdict in verdicts if verdict is True)
    return Impact(len(lines), otherwise, Counter(kind for kind, verdict in verdicts if verdict is None))
