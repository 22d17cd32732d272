"""Rows by id, with lists that may lag behind writes.

A look-up by id is always up to date, while lists and filters may show an older state: a median of about 30 s
and up to 5 minutes in Kit's own service (Kit API reference, consistency).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Generic, Protocol, TypeVar

from worker.sandbox.refusals import NotFoundError


class Row(Protocol):
    """Anything kept in a table: immutable, with an id that is never used again."""

    @property
    def id(self) -> int:
        """The row's id."""


R = TypeVar("R", bound=Row)


class Table(Generic[R]):
    """Rows in the order of their ids; a change replaces the row, so that an older state is cheap to keep."""

    def __init__(self) -> None:
        self.rows: dict[int, R] = {}
        self._lag = 0.0
        self._listed: dict[int, R] | None = None  # None while lists do not lag
        self._changes: deque[tuple[float, int, R | None]] = deque()

    def get(self, row_id: int) -> R:
        """The row with that id, as of the last write.

        Raises:
            NotFoundError: there is none.
        """
        row = self.rows.get(row_id)
        if row is None:
            raise NotFoundError
        return row

    def put(self, row: R, now: float) -> R:
        """Insert or replace a row."""
        self.rows[row.id] = row
        if self._listed is not None:
            self._changes.append((now, row.id, row))
        return row

    def remove(self, row_id: int, now: float) -> None:
        """Delete a row that exists."""
        del self.rows[row_id]
        if self._listed is not None:
            self._changes.append((now, row_id, None))

    def set_lag(self, seconds: float) -> None:
        """Let lists show the state of `seconds` ago from now on; 0 makes them exact."""
        self._lag = seconds
        if seconds <= 0:
            self._listed = None
            self._changes.clear()
        elif self._listed is None:
            self._listed = dict(self.rows)

    def as_listed(self, now: float) -> list[R]:
        """The rows as a list or a filter sees them at `now`, by ascending id."""
        return list(self.seen(now).values())

    def listed(self, row_id: int, now: float) -> R | None:
        """One row as a list or a filter sees it at `now`."""
        return self.seen(now).get(row_id)

    def seen(self, now: float) -> Mapping[int, R]:
        """The same rows by their ids."""
        if self._listed is None:
            return self.rows
        while self._changes and self._changes[0][0] <= now - self._lag:
            _, row_id, row = self._changes.popleft()
            if row is None:
                self._listed.pop(row_id, None)
            else:
                self._listed[row_id] = row
        return self._listed
