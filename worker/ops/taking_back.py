"""Takes back what a run put on: the tags that were new to people then, and that nobody touched since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from worker.consumer.due_message import undoing
from worker.kit.single_calls import NEWLY_TAGGED
from worker.ledger.history import Line, find_history
from worker.ledger.person import records_of
from worker.ledger.store import Ledger
from worker.subscribers.known import DueEffect
from worker.subscribers.parts import tag_in, tag_key
from worker.subscribers.record import Record

MOST_LINES: Final = 200_000
"""Of the history that are read at once, of some people."""


async def taking_back(
    ledger: Ledger, account: str, run: str, done: Sequence[tuple[int, Line]], *, until_anew: bool = False
) -> list[DueEffect]:
    """Return the timers that take back what events of a run put on.

    Args:
        ledger: The workers'.
        account: Its name.
        run: Which.
        done: What the history has of its events, the oldest first, each with its number; of those of one
            number the last that put something on counts.
        until_anew: Whether what is taken back may be asked for by the same events, once they are heard anew.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    emails = {line.email for _, line in done}
    later: dict[str, list[Line]] = {}
    for line in await find_history(ledger.database, emails=emails, account=account, limit=MOST_LINES):
        later.setdefault(line.email, []).append(line)
    records, effects = await records_of(ledger.database, account, emails), dict[int, DueEffect]()
    for number, line in done:
        since = [other for other in later.get(line.email, ()) if other.at > line.at]
        if tags := [tag for tag in newly_put_on(line) if not any(other.is_about(tag) for other in since)]:
            time = datetime.fromisoformat(line.event_time)
            right_after, sequence = time + timedelta(microseconds=1), _sequence(records, line, tags, time)
            effects[number] = undoing(
                line.email, run, number, tags, right_after.timestamp(), sequence, until_anew=until_anew
            )
    return list(effects.values())


def _sequence(records: Mapping[str, Record], line: Line, tags: Sequence[str], time: datetime) -> str:
    """Return the sequence of the event by which somebody has tags; empty where it had none."""
    has = records[line.email].tags if line.email in records else {}
    orders = [has[key].part.order for tag in tags if (key := tag_key(tag)) in has]
    return next((order.sequence for order in orders if order.time == time), "")


def newly_put_on(line: Line) -> list[str]:
    """Return the tags that an event put on, and that its person did not have before."""
    told = [tag_in(str(call["what"])) for call in line.calls if call["status"] == NEWLY_TAGGED]
    return [tag for tag in told if tag]
