"""Asks the guard before tags are put on: what is called is counted before, and what is too much is held."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import inf
from typing import Final

from worker.clock import Clock
from worker.kit.catalog import Catalog
from worker.kit.job import Job
from worker.kit.plan import AddTag
from worker.subscribers.in_hand import InHand
from worker.subscribers.record_parts import HeldTag
from worker.subscribers.tagging_guard import RECOUNT_AFTER, NewTagging, TaggingEnd, most_taggings

SKEW: Final = 600.0
"""Seconds by which Kit's clock may differ from ours, while Kit has not said what time it is."""
SKEW_AT_KIT: Final = 5.0
"""Seconds by which the clocks of Kit's own machines may differ, and to which its times are given."""


def calls_begin(clock: Clock) -> tuple[float, float]:
    """Return until when Kit had a tag already, and since when it is a new one, where calls begin now.

    Both are in seconds since 1970, by Kit's clock.
    """
    at_kit = clock.time_of("Kit")
    return (clock.time() - SKEW, inf) if at_kit is None else (at_kit - SKEW_AT_KIT, at_kit - SKEW_AT_KIT)


@dataclass(slots=True, eq=False)
class Taken:
    """A tag that may be put on.

    Attributes:
        counted: As what it is counted; None where somebody allowed it, and it is not.
    """

    job: Job
    step: AddTag
    counted: NewTagging | None = None

    def ends(self, end: TaggingEnd) -> None:
        """Note what came of it so far."""
        if self.counted is not None:
            self.counted.end = end

    @property
    def is_noted(self) -> bool:
        """Whether Kit's answer, that the tag is there, is noted."""
        known = self.job.subscriber.record.tags.get(self.step.key)
        return known is not None and known.part is self.step.part and known.is_sure


class Taggings:
    """The new taggings of one account.

    Args:
        catalog: Has the account's options, and the way into the ledger.
        in_hand: Has the guard, and the people.
        clock: Says what time it is.
    """

    def __init__(self, catalog: Catalog, in_hand: InHand, clock: Clock) -> None:
        self._catalog = catalog
        self._in_hand = in_hand
        self._guard = in_hand.taggings
        self._clock = clock
        self._ended = asyncio.Event()
        self._counted_at = float("-inf")

    @asynccontextmanager
    async def taken(self, steps: Sequence[tuple[Job, AddTag]]) -> AsyncIterator[list[Taken]]:
        """Have those tags that may be put on now, until it is known what came of each.

        Where none of them may be, all are held. Otherwise of the rest it is asked again: some may turn out to
        be no new ones. The ledger knows of what is called before that, so that a worker that is killed cannot
        have put on more than it has counted.
        """
        taken = [Taken(job, step) for job, step in steps if _is_allowed(job, step)]
        asked = [each for each in steps if self._is_asked(*each)]
        counted = list[Taken]()
        try:
            room, now = await self._room(asked), self._clock.time()
            for job, step in asked:
                who = job.subscriber.record.email
                again = self._guard.is_counted(who, step.key)
                if again or room:
                    room -= not again
                    counted.append(Taken(job, step, self._guard.take(who, step.key, now)))
            if not counted:
                for job, step in asked:
                    self._hold(job, step, now)
            await self._have_counted(counted, now)
            yield [*taken, *counted]
        finally:
            for each in counted:
                if each.counted is not None:
                    self._guard.ended(each.counted)
            self._ended.set()

    async def _have_counted(self, taken: Sequence[Taken], now: float) -> None:
        """Have the ledger count what is about to be called, and some more, so that not each has to wait."""
        if all(each.counted is None or each.counted.is_ahead for each in taken):
            return
        reserves = self._guard.reserve(now, self._most) > 0
        await self._catalog.persistence.written()
        if reserves:  # else whoever did may still wait
            self._guard.reserved()

    def _is_asked(self, job: Job, step: AddTag) -> bool:
        """Tell whether the guard is to be asked; what is held already goes on being held."""
        if _is_allowed(job, step):
            return False
        if step.key in job.subscriber.record.held:
            job.held[step.key] = step.part
            return False
        return True

    async def _room(self, asked: Sequence[tuple[Job, AddTag]]) -> int:
        """Return how many of these may be called; where others are under way, it is known once they ended."""
        wanted = len(asked)
        while wanted > (room := self._now()) and self._guard.under_way:
            self._ended.clear()
            await self._ended.wait()
        now, option = self._clock.monotonic(), self._catalog.options.max_new_taggings_per_hour
        if wanted <= room or option is not None or now - self._counted_at < RECOUNT_AFTER:
            return room
        self._counted_at = now
        self._guard.people = await self._catalog.persistence.people()
        return self._now()

    def _now(self) -> int:
        return self._guard.room(self._clock.time(), self._most)

    @property
    def _most(self) -> int:
        """How many there may be within an hour."""
        return most_taggings(self._catalog.options.max_new_taggings_per_hour, self._guard.people)

    def _hold(self, job: Job, step: AddTag, now: float) -> None:
        subscriber = job.subscriber
        self._guard.hold(now)
        held = HeldTag(step.part.value.name, step.part.order, now)
        subscriber.record.held = {**subscriber.record.held, step.key: held}
        self._in_hand.touch(subscriber)
        job.held[step.key] = step.part


def _is_allowed(job: Job, step: AddTag) -> bool:
    """Tell whether somebody has agreed to a tag: by letting it through, or by a plan that has it.

    What is held is let through by itself alone: whoever applies a file, or imports one, was not told of it.
    """
    change = job.change
    if step.key in change.allows:
        return True
    order = step.part.order
    planned = order in change.anew or order in change.agreed or step.key in change.given_again
    return planned and step.key not in job.subscriber.record.held
