"""Events that came, as the history has them: for what is concluded from them."""

from __future__ import annotations

from typing import Final

from worker.accounts.account import Account
from worker.accounts.impact import Came
from worker.accounts.lint.last_events import LastEvents
from worker.kit.told import TOLD_FIRST_NAME, values_told
from worker.ledger.database import Database
from worker.ledger.history import Line, find_history
from worker.ledger.seen import event_types
from worker.mapping import FIRST_NAME

OURS: Final = "kit-worker."
"""With which the types of the worker's own messages begin."""


def sent_in(line: Line) -> dict[str, str | None]:
    """Return which values were sent of an event, by the custom field."""
    values: dict[str, str | None] = {}
    for call in line.calls:
        if not call.get("rules"):  # else it is about a tag, or about mail
            values |= values_told(str(call.get("what", "")))
    return values


def came(line: Line, version: str) -> Came:
    """Return an event as a line of the history tells it.

    Args:
        line: It.
        version: Of the file in force: rules have the numbers of the file that was in force then.
    """
    rules = {number for call in line.calls for number in call.get("rules", ())}
    values = sent_in(line)
    if TOLD_FIRST_NAME in values:
        values[FIRST_NAME] = values.pop(TOLD_FIRST_NAME)
    known = frozenset(rules) if line.version == version else frozenset[int]()
    return Came(line.event_type, line.outcome, known, values)


async def last_events(database: Database, account: Account, count: int) -> LastEvents:
    """Return the events that came last in an account.

    Args:
        database: The ledger's.
        account: Whose.
        count: So many at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    lines = await find_history(database, account=account.name, limit=count)
    kinds = await event_types(database, account.name)
    of_platform = [line for line in lines if not line.event_type.startswith(OURS)]
    return LastEvents(
        tuple(came(line, account.version) for line in of_platform),
        tuple(came(line, account.version) for line in of_platform if line.version == account.version),
        frozenset(kind for kind in kinds if not kind.startswith(OURS)),
    )
