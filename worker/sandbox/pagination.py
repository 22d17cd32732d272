"""Cursor pages, as Kit's lists have them (Kit API reference, lists)."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic

from worker.sandbox.queries import flag
from worker.sandbox.refusals import InvalidError
from worker.sandbox.tables import R

DEFAULT_PER_PAGE = 500
MAX_PER_PAGE = 1000

Key = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Order(Generic[R]):
    """The order of a list, and what its cursors name.

    Attributes:
        key: a row's place among the others, which it shares with none.
        kinds: the types of a key's parts; a cursor of another order has others, and is refused.
        descending: whether the greatest key comes first.
        quick: a key of the same order that costs less than `key`, where there is one.
    """

    key: Callable[[R], Key]
    kinds: tuple[type, ...] = (int,)
    descending: bool = True
    quick: Callable[[R], Any] | None = None


BY_ID: Order[Any] = Order(lambda row: (row.id,), quick=attrgetter("id"))  # newest first


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which part of a list is asked for; `after` and `before` are keys of its order."""

    per_page: int = DEFAULT_PER_PAGE
    after: Key | None = None
    before: Key | None = None
    with_total: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """One page of a list."""

    rows: Sequence[R]
    per_page: int
    has_previous: bool
    has_next: bool
    total: int | None
    order: Order[R]

    def pagination(self) -> dict[str, object]:
        """The `pagination` object of the answer."""
        key = self.order.key
        about: dict[str, object] = {
            "has_previous_page": self.has_previous,
            "has_next_page": self.has_next,
            "start_cursor": cursor(key(self.rows[0])) if self.rows else None,
            "end_cursor": cursor(key(self.rows[-1])) if self.rows else None,
            "per_page": self.per_page,
        }
        if self.total is not None:
            about["total_count"] = self.total
        return about


def page_of(rows: Iterable[R], query: Mapping[str, str], order: Order[R] = BY_ID) -> Page[R]:
    """The page of `rows`, which come in any order, that a list's query asks for.

    Raises:
        InvalidError: as `page_request` does.
    """
    return paginate(rows, page_request(query, order), order)


def cursor(key: Key) -> str:
    """An opaque cursor: a key as JSON in base64, such as `WzFd` for the id 1."""
    return base64.b64encode(json.dumps(key, separators=(",", ":")).encode()).decode()


def page_request(query: Mapping[str, str], order: Order[Any] = BY_ID) -> PageRequest:
    """What a list's query asks for.

    Kit's answer to a senseless value is not published: here, a per_page beyond the bounds is brought within
    them, and anything that is no number or no cursor of this order is refused.

    Raises:
        InvalidError: `per_page` is not a number, or a cursor is not one of this order's.
    """
    try:
        per_page = int(query.get("per_page") or DEFAULT_PER_PAGE)
    except ValueError:
        raise InvalidError("Per page is invalid") from None
    return PageRequest(
        per_page=min(max(per_page, 1), MAX_PER_PAGE),
        after=_position(query, "after", order),
        before=_position(query, "before", order),
        with_total=flag(query, "include_total_count"),
    )


def _position(query: Mapping[str, str], name: str, order: Order[Any]) -> Key | None:
    given = query.get(name)
    if not given:
        return None
    try:
        decoded = json.loads(base64.b64decode(given, validate=True))
    except (binascii.Error, ValueError):
        decoded = None
    if isinstance(decoded, list) and tuple(map(type, decoded)) == order.kinds:
        return tuple(decoded)
    raise InvalidError(f"{name.capitalize()} is invalid")


def paginate(rows: Iterable[R], asked: PageRequest, order: Order[R] = BY_ID) -> Page[R]:
    """Cut one page out of `rows`, which come in any order."""
    ascending = sorted(rows, key=order.quick or order.key)
    first, last = _span(ascending, asked, order)
    before, after = first > 0, last < len(ascending)
    page = ascending[first:last]
    return Page(
        rows=page[::-1] if order.descending else page,
        per_page=asked.per_page,
        has_previous=after if order.descending else before,
        has_next=before if order.descending else after,
        total=len(ascending) if asked.with_total else None,
        order=order,
    )


def _span(ascending: Sequence[R], asked: PageRequest, order: Order[R]) -> tuple[int, int]:
    backwards = asked.after is None and asked.before is not None
    position = asked.before if backwards else asked.after
    if backwards == order.descending:  # towards greater keys
        first = 0 if position is None else bisect_right(ascending, position, key=order.key)
        return first, min(len(ascending), first + asked.per_page)
    last = len(ascending) if position is None else bisect_left(ascending, position, key=order.key)
    return max(0, last - asked.per_page), last
