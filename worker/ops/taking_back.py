"""Takes back what a run put on: the tags that were new to people then, and that nobody touched since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from worker.consumer.own_message import undoing
from worker.events.event import FIRST, Moment
from worker.events.row import mark_of_row
from worker.kit.single_calls import NEWLY_TAGGED
from worker.ledger.history import Line, find_history
from worker.ledger.person import records_of
from worker.ledger.store import Ledger
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import ROW_TOLD, Kind
from worker.subscribers.parts import tag_in, tag_key
from worker.subscribers.record import Record
from worker.subscribers.without import RowMarks, is_of, tags_without

MOST_LINES: Final = 200_000
"""Of the history that are read at once, of some people."""


async def taking_back(
    ledger: Ledger, account: str, run: str, done: Sequence[tuple[int, Line]], *, until_anew: bool = False
) -> dict[int, list[DueEffect]]:
    """Return the timers that take back what events of a run put on, by the numbers of these.

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
    records = await _records(ledger, account, {line.email for _, line in done})
    of_people, effects = dict[str, list[Line]](), dict[int, list[DueEffect]]()
    for line in await find_history(ledger.database, emails=records, account=account, limit=MOST_LINES):
        of_people.setdefault(line.email, []).append(line)
    for number, line in done:
        record = _now(records, line)
        emails = {line.email, record.email}
        lines = [other for email in emails for other in of_people.get(email, ())]
        rows = _rows_of(lines, run)
        since = [other for other in lines if other.at > line.at]
        if tags := _to_take_back(record, line, since, rows):
            told_since = {_time(other) for other in since if not _is_of(run, other)}
            after = _by_moment(record, line, tags, told_since, rows)
            effects[number] = [
                undoing(record.email, run, number, some, moment, part, until_anew=until_anew)
                for part, (moment, some) in enumerate(sorted(after.items()))
            ]
    return effects


def newly_put_on(line: Line) -> list[str]:
    """Return the tags that an event put on, and that its person did not have before."""
    told = [tag_in(str(call["what"])) for call in line.calls if call["status"] == NEWLY_TAGGED]
    return [tag for tag in told if tag]


async def _records(ledger: Ledger, account: str, emails: Collection[str]) -> dict[str, Record]:
    """Return what is known under addresses, and under those to which people went from there."""
    records = {email: Record(email) for email in emails}
    new = set(emails)
    while new:
        records |= await records_of(ledger.database, account, new)
        new = {record.moved.to for record in records.values() if record.moved is not None} - records.keys()
        records |= {email: Record(email) for email in new}
    return records


def _now(records: Mapping[str, Record], line: Line) -> Record:
    """Return what is known of an event's person, who may have another address by now."""
    record, passed = records[line.email], set[str]()
    while record.moved is not None and record.email not in passed:
        if not record.is_left and _time(line) >= record.moved.order.time:
            break  # of whoever has the address now
        passed.add(record.email)
        record = records[record.moved.to]
    return record


def _to_take_back(record: Record, line: Line, since: Iterable[Line], rows: RowMarks) -> list[str]:
    """Return the tags that an event put on, that nobody touched since, and that no other event asks for.

    Args:
        record: Of its person.
        line: What the history has of it.
        since: What it has of the person's events that ended later.
        rows: Of the same run.
    """
    tags = [tag for tag in newly_put_on(line) if not any(other.is_about(tag) for other in since)]
    if not tags or not rows:
        return tags  # by events that were heard anew, which had not asked for it before
    stay = tags_without(record, rows)
    return [tag for tag in tags if tag_key(tag) not in stay]


def _by_moment(
    record: Record, line: Line, tags: Iterable[str], since: Collection[datetime], rows: RowMarks
) -> Mapping[Moment, list[str]]:
    """Return tags by the moments right after which they are to be off: what asks for them since stands.

    That is after the event that put them on, or after a newer one by which they are there: of which a
    subscription is left when another ends, say, or which had to wait until its person was there.

    Args:
        record: Of the person.
        line: What the history has of the event.
        tags: Which.
        since: When that happened which others told since: by none of these is anything taken back.
        rows: Of the same run.
    """
    moments = defaultdict[Moment, list[str]](list)
    for tag in tags:
        sequence, time = "", _time(line)
        order = known.part.order if (known := record.tags.get(tag_key(tag))) is not None else FIRST
        if order.time not in since or is_of(rows, order):
            sequence, time = max((sequence, time), order.moment)
        moments[sequence, time + timedelta(microseconds=1)].append(tag)
    return moments


def _rows_of(lines: Iterable[Line], run: str) -> RowMarks:
    """Return a run's rows, in each place that they may have; of what was a copy of something else, none.

    A copy of a row, in the same file or in another, may have shown that it has an earlier place.
    """
    told = [(line, row) for line in lines if (row := _row_of(line)) is not None]
    own = {_event(line) for line, (of, _) in told if of == run and line.outcome != Kind.DUPLICATE.value}
    return {(_time(line), mark_of_row(*row)) for line, row in told if _event(line) in own}


def _row_of(line: Line) -> tuple[str, int] | None:
    """Return of which run it tells, and which line of its file; None where of none."""
    _, told, name = line.detail.rpartition(ROW_TOLD)
    run, _, number = name.rpartition("-")
    return (run, int(number)) if told and number.isdecimal() else None


def _event(line: Line) -> tuple[str | None, str, str]:
    return line.event_id, line.event_type, line.event_time


def _is_of(run: str, line: Line) -> bool:
    row = _row_of(line)
    return row is not None and row[0] == run


def _time(line: Line) -> datetime:
    return datetime.fromisoformat(line.event_time)
