"""The dates by which lists of people are filtered.

Kit's reference says *after this date* and *before this date*, in the form yyyy-mm-dd, and no more. Assumed is
that a date stands for its first moment in UTC, so that what happened on that day is after it and not before
it, and that what happened at that very moment is neither. A time is taken as well; without an offset in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from worker.sandbox.records import Subscriber
from worker.sandbox.refusals import InvalidError

TimeOf = Callable[[Subscriber], str]

CREATED: Mapping[str, TimeOf] = {"created": lambda row: row.created_at}
CREATED_OR_UPDATED: Mapping[str, TimeOf] = {**CREATED, "updated": lambda row: row.updated_at}


def within(
    rows: Sequence[Subscriber], query: Mapping[str, str], times: Mapping[str, TimeOf]
) -> Sequence[Subscriber]:
    """Those to whom something happened `…_after` and `…_before` what the query says.

    Args:
        rows: all of them.
        query: of the request.
        times: by what happened, such as `created`, when that was, as Kit writes it.

    Raises:
        InvalidError: one of them is no date (Kit's text for this is not published).
    """
    for what, time_of in times.items():
        after, before = _second(query, f"{what}_after"), _second(query, f"{what}_before", up=True)
        if after is not None:
            rows = [row for row in rows if time_of(row) > after]
        if before is not None:
            rows = [row for row in rows if time_of(row) < before]
    return rows


def _second(query: Mapping[str, str], name: str, *, up: bool = False) -> str | None:
    """The moment that a parameter names, to the second as rows have their times; None where it names none."""
    given = query.get(name)
    if not given:
        return None
    try:
        moment = datetime.fromisoformat(given)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC)
        whole = moment.replace(microsecond=0) + timedelta(seconds=1 if up and moment.microsecond else 0)
        return f"{whole.astimezone(UTC).isoformat()[:19]}Z"
    except (ValueError, OverflowError):
        raise InvalidError(f"{name.replace('_', ' ').capitalize()} is invalid") from None
