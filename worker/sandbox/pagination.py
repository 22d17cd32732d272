"""Cursor pages, newest first, as Kit's lists have them (Kit API reference, lists)."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

from worker.sandbox.refusals import InvalidError
from worker.sandbox.tables import R

DEFAULT_PER_PAGE = 500
MAX_PER_PAGE = 1000


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for; `after` and `before` are ids."""

    per_page: int = DEFAULT_PER_PAGE
    after: int | None = None
    before: int | None = None
    with_total: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a list."""

    rows: Sequence[R]
    per_page: int
    has_previous: bool
    has_next: bool
    total: int | None

    def pagination(self) -> dict[str, object]:
        """The `pagination` object of the answer."""
        about: dict[str, object] = {
            "has_previous_page": self.has_previous,
            "has_next_page": self.has_next,
            "start_cursor": cursor(self.rows[0].id) if self.rows else None,
            "end_cursor": cursor(self.rows[-1].id) if self.rows else None,
            "per_page": self.per_page,
        }
        if self.total is not None:
            about["total_count"] = self.total
        return about


def cursor(row_id: int) -> str:
    """An opaque cursor: `[id]` as JSON in base64, such as `WzFd` for 1."""
    return base64.b64encode(f"[{row_id}]".encode()).decode()


def page_request(query: Mapping[str, str]) -> PageRequest:
    """What a list's query asks for.

    Kit's answer to a senseless value is not published: here, a per_page beyond the bounds is brought within
    them, and anything that is no number or no cursor is refused.

    Raises:
        InvalidError: `per_page` is not a number, or a cursor is not one of ours.
    """
    try:
        per_page = int(query.get("per_page") or DEFAULT_PER_PAGE)
    except ValueError:
        raise InvalidError("Per page is invalid") from None
    return PageRequest(
        per_page=min(max(per_page, 1), MAX_PER_PAGE),
        after=_position(query, "after"),
        before=_position(query, "before"),
        with_total=query.get("include_total_count") in {"true", "1"},
    )


def _position(query: Mapping[str, str], name: str) -> int | None:
    given = query.get(name)
    if not given:
        return None
    try:
        decoded = json.loads(base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError):
        decoded = None
    match decoded:
        case [int(row_id)]:
            return row_id
    raise InvalidError(f"{name.capitalize()} is invalid")


def paginate(rows: Sequence[R], asked: PageRequest) -> Page[R]:
    """Cut one page out of `rows`, which come newest first (by descending id)."""
    first, last = 0, len(rows)
    if asked.after is not None:
        first = bisect_right(rows, -asked.after, key=_newest_first)
        last = min(last, first + asked.per_page)
    elif asked.before is not None:
        last = bisect_left(rows, -asked.before, key=_newest_first)
        first = max(0, last - asked.per_page)
    else:
        last = min(last, asked.per_page)
    return Page(
        rows=rows[first:last],
        per_page=asked.per_page,
        has_previous=first > 0,
        has_next=last < len(rows),
        total=len(rows) if asked.with_total else None,
    )


def _newest_first(row: R) -> int:
    return -row.id
