"""What a round of bulk calls consists of: stage by stage, the entries that people's changes need.

Subscribers come first, then their custom fields, then tags to take off, and tags to put on last, as in a
change that is written by itself (`worker.kit.plan`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from worker.errors import EventError
from worker.events.event import FIRST, OrderKey
from worker.kit.answers import Answer
from worker.kit.bulk import (
    BulkCall,
    FieldValue,
    NewSubscriber,
    Tagging,
    Untagging,
    call_count,
    subscriber_ids,
    taggings_done,
    values_set,
)
from worker.kit.catalog import Catalog, Field, Tag
from worker.kit.plan import plan
from worker.kit.writer import Writer
from worker.subscribers.change import Change
from worker.subscribers.record import UNKNOWN
from worker.subscribers.subscriber import Subscriber

E = TypeVar("E", NewSubscriber, FieldValue, Tagging, Untagging)
T = TypeVar("T", Tagging, Untagging)
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class Share:
    """One person's part of a round.

    Attributes:
        left: What of the change is to be done.
        together: False once the person is left to single calls.
    """

    subscriber: Subscriber
    change: Change
    left: Change
    together: bool = True


class Wanted(NamedTuple, Generic[E]):
    """An entry of a call, who wants it, and what is noted of it.

    Attributes:
        part: What is done by it.
        order: Of the event that asks for it.
        kit_ids: See `Record.note`.
    """

    entry: E
    share: Share
    part: Change
    what: str
    order: OrderKey
    kit_ids: Mapping[str, int] = MappingProxyType({})
    rules: tuple[int, ...] = ()


Done: TypeAlias = Callable[[BulkCall[Any], Answer], Mapping[Any, int]]
"""Reads an answer: of each entry that is surely done, the subscriber's id."""
Stage: TypeAlias = tuple[list[Wanted[Any]], Done]


class Stages:
    """Makes the stages of rounds.

    Args:
        catalog: The account's tags and custom fields, which are created where they lack.
        writer: Knows what is left to do of a change.
        now: Seconds since 1970.
    """

    def __init__(self, catalog: Catalog, writer: Writer, *, now: Callable[[], float]) -> None:
        self._catalog = catalog
        self._writer = writer
        self._now = now

    async def share(self, subscriber: Subscriber, change: Change) -> Share:
        """Return one person's part; whose change is not for bulk calls is left to single ones."""
        if self._writer.moves(subscriber, change):
            return Share(subscriber, change, change, together=False)
        left = await self._writer.left_of(subscriber, change)
        clears = any(part.value is None for part in left.fields.values())  # a bulk call takes text only
        # Whether somebody was created, the answer of a bulk call does not say.
        created = self._names_new_people and (subscriber.record.kit_id is None or subscriber.record.created)
        return Share(subscriber, change, left, together=not (clears or created))

    @property
    def _names_new_people(self) -> bool:
        return self._catalog.options.first_name == "if_created"

    def _needs_upsert(self, share: Share) -> bool:
        named = share.left.first_name is not None and not self._names_new_people
        return bool(share.left) and (share.subscriber.record.kit_id is None or named)

    def pays(self, shares: Iterable[Share]) -> bool:
        """Tell whether bulk calls are fewer than single ones."""
        single, entries = 0, (0, 0, 0, 0)
        for share in shares:
            if not share.together or not share.left:
                continue
            todo = plan(share.left, self._catalog.options, known=share.subscriber.record.kit_id is not None)
            single += len(todo.upserts) + len(todo.removals) + len(todo.additions)
            entries = (
                entries[0] + self._needs_upsert(share),
                entries[1] + len(share.left.fields),
                entries[2] + len(todo.removals),
                entries[3] + len(todo.additions),
            )
        return single > sum(map(call_count, entries))

    # -- in this order --------------------------------------------------------------------------------

    async def subscribers(self, shares: Sequence[Share]) -> Stage:
        """Return whom to make sure of, and whose first name to set."""
        state, wanted = self._catalog.options.subscriber_state, list[Wanted[NewSubscriber]]()
        for share in shares:
            record, name = share.subscriber.record, share.left.first_name
            if name is not None and self._names_new_people:
                record.note(Change(first_name=name), UNKNOWN, {})  # it is not sent
                name = None
            if self._needs_upsert(share):
                record.asked = record.kit_id is None
                entry = NewSubscriber(record.email, state, name.value if name else None)
                order = name.order if name else _newest(share.left)
                what = "first name" if name else "the subscriber"
                wanted.append(Wanted(entry, share, Change(first_name=name), what, order))
        return wanted, subscriber_ids

    async def fields(self, shares: Sequence[Share]) -> Stage:
        """Return the values of custom fields."""
        wanted = list[Wanted[FieldValue]]()
        known = dict[str, Field | None]()
        for share in shares:
            for name, part in share.left.fields.items():
                if name not in known:
                    known[name] = await _or_none(self._catalog.field(name))
                found = known[name]
                if found is None:
                    share.together = False  # single calls will say why
                    break
                entry = FieldValue(_id_of(share.subscriber), found.id, part.value or "")
                change = Change(fields={name: part})
                wanted.append(Wanted(entry, share, change, name, part.order, {name: found.id}))
        return wanted, values_set

    async def removals(self, shares: Sequence[Share]) -> Stage:
        """Return the tags to take off."""
        return await self._taggings(shares, Untagging, present=False), taggings_done

    async def additions(self, shares: Sequence[Share]) -> Stage:
        """Return the tags to put on: last, for a new tag starts emails."""
        return await self._taggings(shares, Tagging, present=True), taggings_done

    async def _taggings(self, shares: Sequence[Share], kind: type[T], *, present: bool) -> list[Wanted[T]]:
        wanted = list[Wanted[T]]()
        known = dict[str, Tag | None]()
        for share in shares:
            for key, part in share.left.tags.items():
                if part.value.present is not present:
                    continue
                if key not in known:
                    known[key] = await _or_none(self._catalog.tag(part.value))
                tag = known[key]
                if tag is None:
                    share.together = False  # as above
                    break
                change, ids = Change(tags={key: part}), {key: tag.id}
                if tag.created and not present:  # nobody can have it
                    share.subscriber.record.note(change, self._now(), ids)
                    continue
                what = f"tag {part.value.name!r}" + ("" if present else " off")
                entry = kind(tag.id, _id_of(share.subscriber))
                wanted.append(Wanted(entry, share, change, what, part.order, ids, (part.value.rule,)))
        return wanted


async def _or_none(asked: Awaitable[R]) -> R | None:
    """Return what the catalog knows; None for what it must not create."""
    try:
        return await asked
    except EventError:
        return None


def _id_of(subscriber: Subscriber) -> int:
    if subscriber.record.kit_id is None:
        raise AssertionError("the first stage makes sure of everybody")
    return subscriber.record.kit_id


def _newest(change: Change) -> OrderKey:
    """Return the order of the event for whose sake somebody is made sure of."""
    parts = [*change.tags.values(), *change.fields.values(), change.first_name, change.ensure]
    return max((part.order for part in parts if part is not None), default=FIRST)
