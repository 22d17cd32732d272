"""A file of members that somebody has uploaded, and its plan."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from worker.accounts.account import Account
from worker.ops.backfill.options import BackfillOptions
from worker.ops.backfill.reading import WrongRow
from worker.ops.backfill.told import ToldBackfill
from worker.page.applying import still_takes

FORGOTTEN: Final = (
    "The file was let go, since somebody was forgotten in this account, who may be in it. Nothing was done: "
    "upload it anew, without them."
)
WAITED: Final = (
    "The file was let go, as nobody agreed to its plan for an hour, or others came. Nothing was done."
)
ANOTHER: Final = (
    "The file was let go, as another version of the account's file is in force by now. Nothing was done: "
    "upload the members anew."
)
"""Why a file is not kept any more."""


@dataclass(frozen=True, slots=True)
class ShownBackfill:
    """What a plan says, of which each part has its bound.

    Attributes:
        run: Its name.
        rows: How many are taken in.
        taggings: How many would be new.
        wrong: Of the rows that nobody can take, the first; there are `wrong_in_all`.
        dead: Likewise, of those that would become dead letters.
    """

    run: str
    rows: int
    taggings: int
    told: ToldBackfill
    wrong: tuple[WrongRow, ...]
    wrong_in_all: int
    dead: tuple[WrongRow, ...]
    dead_in_all: int


@dataclass(slots=True)
class MembersFile:
    """A file of members that somebody has uploaded.

    Attributes:
        account: By the file in force when it came.
        who: Who uploaded it.
        name: What they call it.
        content: What is in it; nothing once it was let go.
        options: How it is taken.
        skip_wrong: Whether wrong rows are left out.
        came_at: When, by the monotonic clock.
        forgotten: Who was forgotten by then, see `last_forgotten`.
        agreed: To how many new taggings somebody has agreed, so that it is handed over; None before.
        agreed_by: Who that was.
        begun_at: When what is done to it now was begun, likewise; None while others are worked at.
        expected: How many rows there are, about.
        seen: How many of them are done.
        shown: Its plan; None where there is none.
        problem: Why there is none, or why nothing was begun.
        ended: Set once what was asked for has ended.
    """

    account: Account
    who: str
    name: str
    content: bytes
    options: BackfillOptions
    skip_wrong: bool
    came_at: float = 0.0
    forgotten: tuple[int, str] = (0, "")
    agreed: int | None = None
    agreed_by: str = ""
    begun_at: float | None = None
    expected: int = 0
    seen: int = 0
    shown: ShownBackfill | None = None
    problem: str = ""
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def left(self, now: float) -> float | None:
        """Return about how many seconds it still takes; None where nobody can tell."""
        return still_takes(self.begun_at, self.seen, self.expected, now)

    def counted(self, count: int) -> None:
        """Note of how many more rows it is done."""
        self.seen += count

    def let_go(self, problem: str) -> None:
        """Keep nothing of it but why."""
        self.content, self.shown, self.problem = b"", None, problem
        self.ended.set()
