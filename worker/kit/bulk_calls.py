"""Carries out the steps of many people together: stage by stage, up to 100 entries a call.

The stages are those of `worker.kit.plan`; the first is two, subscribers and then their custom fields. A
stage with one entry is a single call. Each person is settled by itself: whoever Kit names as failed takes no
part in the stages that follow, and is left to single calls, which find out why.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias, TypeVar

from worker.clock import Clock
from worker.errors import CredentialRefused, EventError, KitRejected, TryLater
from worker.kit.answers import Answer
from worker.kit.bulk_requests import (
    BulkCall,
    Tagging,
    Untagging,
    calls,
    in_turns,
    subscriber_ids,
    taggings_done,
    taggings_new,
    values_set,
)
from worker.kit.catalog import Catalog
from worker.kit.entries import Entries, Entry, bulk_pays
from worker.kit.job import Job, SubscriberGone
from worker.kit.plan import STAGES, AddTag, MarkPerson, RemoveTag, Step, Upsert
from worker.kit.single_calls import NEWLY_TAGGED, SingleCalls
from worker.kit.taggings import Taken, calls_begin
from worker.subscribers.in_hand import InHand
from worker.subscribers.subscriber import Call, Subscriber
from worker.subscribers.tagging_guard import TaggingEnd

S = TypeVar("S", bound=Step)
Done: TypeAlias = Callable[[BulkCall[Any], Answer], Mapping[Any, int]]
"""Reads an answer: of each item that is surely done, the subscriber's id."""
Calls: TypeAlias = Iterable[Coroutine[Any, Any, None]]
"""Calls that may be made at once. Each notes what it did, or raises `Interrupted`."""
Make: TypeAlias = Callable[[Calls], Awaitable[None]]

NOBODY_ASKS: Final[Mapping[Any, bool]] = MappingProxyType({})


class Interrupted(Exception):
    """Calls failed in a way that says: not now.

    Attributes:
        error: How.
        failed: In whose calls.
    """

    def __init__(self, error: TryLater | CredentialRefused, failed: set[Subscriber]) -> None:
        super().__init__(str(error))
        self.error = error
        self.failed = failed


class BulkCalls:
    """Carries out the steps of many people.

    Args:
        catalog: The account's tags and custom fields, and the way to Kit.
        in_hand: What is known of the subscribers; every answer is noted there.
        clock: Says when Kit answered.
        single: Carries out what would not be fewer bulk calls.
    """

    def __init__(self, catalog: Catalog, in_hand: InHand, clock: Clock, single: SingleCalls) -> None:
        self._client = catalog.client
        self._entries = Entries(catalog, clock)
        self._in_hand = in_hand
        self._clock = clock
        self._single = single

    async def carry_out(self, jobs: Sequence[Job], *, one_at_a_time: bool) -> None:
        """Make all steps of all jobs true; a job for which that fails is left alone.

        Args:
            jobs: One a person.
            one_at_a_time: Whether one call is to end well before the next begins.

        Raises:
            Interrupted: Calls failed; what others did is noted by then.
            TryLater: Kit does not say which tags or custom fields it has, which is nobody's call.
            CredentialRefused: Likewise.
        """
        make = _in_turn if one_at_a_time else _at_once
        for stage in STAGES:
            if stage is Upsert:
                await self._upserts(_steps(Upsert, jobs), make)
            elif stage is RemoveTag:
                removals = await self._entries.taggings(Untagging, _steps(RemoveTag, jobs))
                await make(self._calls(removals, taggings_done))
            elif stage is AddTag or stage is MarkPerson:
                await self._additions(_steps(stage, jobs), make)
            else:
                await _in_turn(self._single_call(job, step) for job, step in _steps(stage, jobs))

    async def _upserts(self, upserts: list[tuple[Job, Upsert]], make: Make) -> None:
        if bulk_pays([step for _, step in upserts]):
            await make(self._calls(self._entries.subscribers(upserts), subscriber_ids))
            await make(self._calls(await self._entries.values(upserts), values_set))
        else:
            # They are two at most. In turn, as both may be one person's.
            await _in_turn(self._single_call(job, step) for job, step in upserts)

    async def _additions(self, additions: list[tuple[Job, AddTag]], make: Make) -> None:
        """Put tags on, as many at once as may be new."""
        left = {(job, step.key): step for job, step in additions if not job.alone}
        while left:
            asked = [(job, step) for (job, _), step in left.items()]
            async with self._single.taggings.taken(asked) as taken:
                await self._put_on(taken, make)
            done = {(each.job, each.step.key) for each in taken}
            left = {
                (job, key): step
                for (job, key), step in left.items()
                if (job, key) not in done and key not in job.held
            }

    async def _put_on(self, taken: Sequence[Taken], make: Make) -> None:
        entries = await self._entries.taggings(Tagging, [(each.job, each.step) for each in taken])
        items = {(entry.job, *entry.kit_ids): entry.item for entry in entries}
        sent = [each for each in taken if (each.job, each.step.key) in items]
        if len(set(items.values())) == 1:
            await _in_turn(self._single_call(each.job, each) for each in sent)
            return
        new, began = dict[Tagging, bool](), calls_begin(self._clock)

        def done(call: BulkCall[Any], answer: Answer) -> Mapping[Any, int]:
            new.update(taggings_new(call, answer, *began))
            return taggings_done(call, answer)

        turn = {item: place for place, item in enumerate(in_turns(dict.fromkeys(items.values())))}
        entries = sorted(entries, key=lambda entry: turn[entry.item])
        try:
            await make(self._calls(entries, done, new))
        except BaseException:
            for each in sent:
                each.ends(TaggingEnd.MAYBE)
            raise
        finally:
            for each in sent:
                if each.is_noted:
                    was_there = new.get(items[each.job, each.step.key]) is False
                    each.ends(TaggingEnd.NONE if was_there else TaggingEnd.NEW)

    def _calls(
        self, entries: Iterable[Entry[Any]], done: Done, new: Mapping[Any, bool] = NOBODY_ASKS
    ) -> Calls:
        """Yield the calls of a stage, each item in one of them; see `_bulk_call`."""
        by_item = dict[Any, list[Entry[Any]]]()
        for entry in entries:
            if not entry.job.alone:
                by_item.setdefault(entry.item, []).append(entry)
        if len(by_item) == 1:
            (only,) = by_item.values()
            yield from (self._single_call(entry.job, entry.step) for entry in only)
            return
        for call in calls(by_item):
            yield self._bulk_call(
                call, [entry for item in call.entries for entry in by_item[item]], done, new
            )

    async def _single_call(self, job: Job, step: Step | Taken) -> None:
        if job.alone:
            return
        try:
            if isinstance(step, Taken):
                await self._single.put_on(step)
            else:
                await self._single.carry_out(job, step)
        except (TryLater, CredentialRefused) as error:
            raise Interrupted(error, {job.subscriber}) from error
        except (EventError, SubscriberGone):
            job.alone = True

    async def _bulk_call(
        self, call: BulkCall[Any], entries: Sequence[Entry[Any]], done: Done, new: Mapping[Any, bool]
    ) -> None:
        """Make a call; `done` may put into `new` which taggings are new ones."""
        for entry in entries:
            record = entry.job.subscriber.record
            record.asked = record.asked or record.kit_id is None
            record.doubt(entry.parts)
            self._in_hand.touch(entry.job.subscriber)
        try:
            answer = await self._client.call(call.method, call.path, json=call.body)
            ids = done(call, answer)
        except (TryLater, CredentialRefused) as error:
            raise Interrupted(error, {entry.job.subscriber for entry in entries}) from error
        except KitRejected:
            for entry in entries:
                entry.job.alone = True  # single calls will show whose fault it is
        else:
            now = self._clock.time()
            for entry in entries:
                # As the call for one person has it.
                status = NEWLY_TAGGED if new.get(entry.item) else answer.status
                self._note(entry, ids.get(entry.item), Call(answer.endpoint, "", status), now)

    def _note(self, entry: Entry[Any], kit_id: int | None, call: Call, now: float) -> None:
        job, step, record = entry.job, entry.step, entry.job.subscriber.record
        if kit_id is None or record.kit_id not in {None, kit_id}:
            job.alone = True  # it failed, or the address is another one's by now
            return
        record.kit_id, record.asked = kit_id, False
        record.note(entry.parts, now, entry.kit_ids)
        for order, what in step.asked.items():
            self._in_hand.called(job.subscriber, call._replace(what=what, rules=step.rules), order)


def _steps(kind: type[S], jobs: Iterable[Job]) -> list[tuple[Job, S]]:
    return [(job, step) for job in jobs for step in job.steps if type(step) is kind]


async def _in_turn(calls: Calls) -> None:
    for call in calls:
        await call


async def _at_once(calls: Calls) -> None:
    """Make calls; where one of them fails, first wait for the others, so that what they do is noted."""
    ends = await asyncio.gather(*calls, return_exceptions=True)
    interrupted = list[Interrupted]()
    for end in ends:
        if isinstance(end, Interrupted):
            interrupted.append(end)
        elif end is not None:
            raise end  # a bug
    if interrupted:
        refused = (each for each in interrupted if isinstance(each.error, CredentialRefused))
        worst = next(refused, interrupted[0])
        raise Interrupted(worst.error, set().union(*(each.failed for each in interrupted)))
