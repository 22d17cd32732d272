"""Shows a person at a terminal how far something has come that takes a while; nobody else sees any of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Timer
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.selection import Selects
from worker.outside.texts import harmless

AFTER: Final = 1.0
"""Seconds after which a bar appears: what is done by then needs none."""

T = TypeVar("T")


class _Count(MofNCompleteColumn):
    """How many of how many; nothing where nobody knows of how many."""

    def render(self, task: Task) -> Text:
        """Return it as `3/8`."""
        return Text() if task.total is None else super().render(task)


class _Left(TimeRemainingColumn):
    """About how long it still takes; nothing where nobody knows of how many."""

    def render(self, task: Task) -> Text:
        """Return it as `0:01:30 left`."""
        return Text() if task.total is None or task.finished else super().render(task) + Text(" left")


@dataclass(slots=True)
class Steps:
    """What has been done so far; without a bar, counting changes nothing."""

    bar: Progress | None = None
    task: TaskID = field(default=TaskID(0))

    def expect(self, more: int) -> None:
        """Say how many steps there will be, besides those that were said before."""
        if self.bar is not None:
            self.bar.update(self.task, total=(self.bar.tasks[self.task].total or 0) + more)

    def step(self) -> None:
        """Count one that is done."""
        self.advance(1)

    def advance(self, count: int) -> None:
        """Count some that are done."""
        if self.bar is not None:
            self.bar.advance(self.task, count)

    def over(self, items: Iterable[T]) -> Iterator[T]:
        """Yield items, and count each."""
        for item in items:
            yield item
            self.step()


@contextmanager
def progress(what: str, *, hidden: bool = False) -> Iterator[Steps]:
    """Show a bar while the context lasts, on standard error where that is a terminal.

    Args:
        what: What is under way, for people.
        hidden: Show nothing: the output is for programs, or shows by itself how far it has come.
    """
    if hidden or not sys.stderr.isatty():
        yield Steps()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), _Count(), TimeElapsedColumn(), _Left())
    # What is printed meanwhile belongs where it was sent, and not to the bar's console.
    shown = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    beginning = Timer(AFTER, shown.start)
    beginning.daemon = True
    beginning.start()
    try:
        yield Steps(shown, shown.add_task(harmless(what), total=None))
    finally:
        beginning.cancel()
        beginning.join()  # it may be at it
        shown.stop()


@dataclass(frozen=True, slots=True)
class Counted:
    """Selects as another selection does, and counts each dead letter that was looked at."""

    selection: Selects
    steps: Steps

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is meant."""
        self.steps.step()
        return self.selection.matches(letter)
