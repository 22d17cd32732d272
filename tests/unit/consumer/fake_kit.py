"""Kit, the way there, and a writer, in memory; calls fail where a test says so. Time is virtual."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.virtual_time import now
from worker.consumer.gather import BURST_OVER
from worker.errors import EventError, KitUnavailable, NoMoreSubscribers
from worker.kit.refused import RefusedPart, refused
from worker.kit.writer import BulkResult
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.subscriber import Subscriber

ENDPOINT = "POST /v4/tags/{}/subscribers/{}"


def unavailable(endpoint: str = ENDPOINT) -> KitUnavailable:
    """Return what a call raises where Kit is down."""
    error = KitUnavailable("Kit answered 502")
    error.endpoint = endpoint
    return error


def none_wrong() -> Exception | None:
    """Nothing is wrong."""
    return None


@dataclass
class FakeKit:
    """Kit, the way there, and a writer: everybody's tags and fields, which fail where a test says so.

    Attributes:
        done: By person, what need not be done again.
        log: What was done, in order, such as `ada +VIP`.
        starts: When each single change was begun, and whose.
        broken: By what is to be done, such as `+VIP`, or by person, what is raised instead.
        down: What every step raises instead.
        seconds: How long each step takes.
        bulk: Whether changes may be written together.
        rounds: Who was written together, each time.
        alone: Who is always left to single calls.
        errors: What the next tries of many end with, and who is to blame.
        careful: Of each try of many, whether calls were to be made one at a time.
        looks: When something harmless was asked.
    """

    tags: dict[str, set[str]] = field(default_factory=dict)
    fields: dict[tuple[str, str], str | None] = field(default_factory=dict)
    done: dict[str, Change] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    starts: list[tuple[float, str]] = field(default_factory=list)
    broken: dict[str, Callable[[], Exception | None]] = field(default_factory=dict)
    down: Callable[[], Exception | None] = none_wrong
    seconds: float = 0.0
    last_worked: float = float("-inf")
    under_way: Counter[str] = field(default_factory=Counter)
    most: int = 0
    bulk: bool = False
    rounds: list[list[str]] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)
    errors: list[tuple[Any, set[str]]] = field(default_factory=list)
    crashes: bool = False
    careful: list[bool] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    concurrency: int = 4

    def __post_init__(self) -> None:
        self.budget = asyncio.Event()
        self.budget.set()

    @property
    def now(self) -> float:
        """Seconds since changes may start: what a new consumer gets at once is folded first."""
        return round(now() - BURST_OVER, 6)

    # -- as the way to Kit ----------------------------------------------------------------------------

    @property
    def limiter(self) -> FakeKit:
        """Kit's limit."""
        return self

    async def ready(self, _under_way: Callable[[], int]) -> None:
        """Wait until the budget allows a call."""
        await self.budget.wait()

    def worked_at(self, _endpoint: str | None = None) -> float:
        """Return when a step last went well."""
        return self.last_worked

    async def get(self, _path: str) -> None:
        """Ask something harmless."""
        self.looks.append(self.now)
        if (error := self.down()) is not None:
            raise error

    # -- as the writer --------------------------------------------------------------------------------

    async def apply(self, subscriber: Subscriber, asked: Change, _since: float = 0.0) -> list[RefusedPart]:
        """Make one person's change true; the parts that cannot be."""
        email = subscriber.record.email
        self.starts.append((self.now, email))
        self.under_way[email] += 1
        self.most = max(self.most, self.under_way.total())
        assert self.under_way[email] == 1, "one person twice at once"
        try:
            return await self._steps(email, asked.without(self.done.get(email, NOTHING)))
        finally:
            self.under_way[email] -= 1

    async def apply_together(
        self, changes: Sequence[tuple[Subscriber, Change]], *, one_at_a_time: bool
    ) -> BulkResult[Subscriber]:
        """Make many people's changes true."""
        self.rounds.append([subscriber.record.email for subscriber, _ in changes])
        self.careful.append(one_at_a_time)
        await asyncio.sleep(self.seconds or 0.1)
        if self.crashes:
            raise ZeroDivisionError
        if self.errors:
            error, blamed = self.errors.pop(0)
            failed = {each for each, _ in changes if each.record.email in blamed}
            return BulkResult(error=error, failed=failed)
        end = BulkResult[Subscriber]()
        for subscriber, asked in changes:
            if subscriber.record.email in self.alone:
                end.alone.append(subscriber)
            else:
                end.refused[subscriber] = await self.apply(subscriber, asked)
                end.done.append(subscriber)
        self.starts.clear()  # only single calls are looked at
        return end

    async def _steps(self, email: str, left: Change) -> list[RefusedPart]:
        ends = list[RefusedPart]()
        for name, value in left.fields.items():
            ends += await self._part(email, f"{name}={value.value}", Change(fields={name: value}))
        for present in (False, True):
            for key, tag in left.tags.items():
                if tag.value.present is present:
                    what = f"{'+' if present else '-'}{tag.value.name}"
                    ends += await self._part(email, what, Change(tags={key: tag}))
        self._note(email, Change(ensure=left.ensure))
        return ends

    async def _part(self, email: str, what: str, part: Change) -> list[RefusedPart]:
        try:
            await self._step(email, what)
        except NoMoreSubscribers:
            raise
        except EventError as error:
            if email in self.broken:
                raise  # it is the person that Kit does not take
            return refused(part, error)
        for name, value in part.fields.items():
            self.fields[email, name] = value.value
        for tag in part.tags.values():
            tags = self.tags.setdefault(email, set())
            (set.add if tag.value.present else set.discard)(tags, tag.value.name)
        self._note(email, part)
        return []

    def _note(self, email: str, done: Change) -> None:
        self.done[email] = self.done.get(email, NOTHING).merge(done)

    async def _step(self, email: str, what: str) -> None:
        await asyncio.sleep(self.seconds)
        error = self.down() or self.broken.get(what, none_wrong)() or self.broken.get(email, none_wrong)()
        if error is not None:
            raise error
        self.log.append(f"{email} {what}")
        self.last_worked = now()
