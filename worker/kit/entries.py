"""What goes into bulk calls: an entry for each subscriber, value and tag that people's steps are about."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec.structs import replace

from worker.clock import Clock
from worker.errors import EventError
from worker.kit.bulk_requests import FieldValue, NewSubscriber, Tagging, Untagging, call_count
from worker.kit.catalog import Catalog
from worker.kit.custom_fields import Field
from worker.kit.job import Job, id_of
from worker.kit.plan import AddTag, RemoveTag, Upsert
from worker.subscribers.change import Change

E = TypeVar("E", NewSubscriber, FieldValue, Tagging, Untagging)
T = TypeVar("T", Tagging, Untagging)
R = TypeVar("R")

NO_IDS: Final[Mapping[str, int]] = MappingProxyType({})


class Entry(NamedTuple, Generic[E]):
    """An item of a bulk call, and whose it is.

    Attributes:
        step: What the item does, for a single call that does the same.
        parts: What is true once Kit has answered.
        kit_ids: Of the tag or custom field; see `Record.note`.
    """

    item: E
    job: Job
    step: Upsert | RemoveTag | AddTag
    parts: Change
    kit_ids: Mapping[str, int] = NO_IDS


class Entries:
    """Turns steps into entries. A tag or field that Kit lacks, and must not get, is refused.

    Args:
        catalog: The account's tags and custom fields, which are created where they lack.
        clock: Says when it was known that somebody has no such tag.
    """

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def subscribers(self, upserts: Iterable[tuple[Job, Upsert]]) -> Iterator[Entry[Any]]:
        """Yield whom to make sure of, and whose first name to set."""
        state = self._catalog.options.subscriber_state  # of whom Kit has had, and somebody has deleted
        for job, step in upserts:
            if not step.sets_fields_only:
                name = step.first_name.value if step.first_name else None
                item = NewSubscriber(job.subscriber.record.email, step.state or state, name)
                without_fields = replace(step, fields={})
                yield Entry(item, job, without_fields, without_fields.parts)

    async def values(self, upserts: Iterable[tuple[Job, Upsert]]) -> list[Entry[Any]]:
        """Return the values of custom fields; the subscribers are known by now."""
        entries = list[Entry[Any]]()
        known = dict[str, Field | EventError]()
        of_those_left = (
            (job, each) for job, step in upserts if not job.alone for each in step.fields.items()
        )
        for job, (name, part) in of_those_left:
            if name not in known:
                known[name] = await _or_error(self._catalog.field(name))
            field, one = known[name], Upsert({name: part})
            if isinstance(field, EventError):
                job.refuse(one.parts, field, whatever=True)
            else:
                item = FieldValue(id_of(job.subscriber), field.id, part.value or "")
                entries.append(Entry(item, job, one, one.parts, {name: field.id}))
        return entries

    async def taggings(
        self, kind: type[T], steps: Iterable[tuple[Job, RemoveTag | AddTag]]
    ) -> list[Entry[Any]]:
        """Return the tags to put on, or to take off; nobody has those that nobody can have."""
        entries = list[Entry[Any]]()
        known = dict[str, int | EventError | None]()
        of = self._catalog.tag_to_remove if kind is Untagging else self._catalog.tag
        for job, step in steps:
            if job.alone:
                continue
            if step.key not in known:
                known[step.key] = await _or_error(of(step.part.value))
            tag = known[step.key]
            if isinstance(tag, EventError):
                job.refuse(step.parts, tag)
            elif tag is None or (job.created and kind is Untagging):
                job.subscriber.record.note(step.parts, self._clock.time(), {step.key: tag or 0})
            else:
                item = kind(tag, id_of(job.subscriber))
                entries.append(Entry(item, job, step, step.parts, {step.key: tag}))
        return entries


def bulk_pays(upserts: Sequence[Upsert]) -> bool:
    """Tell whether bulk calls are fewer than an upsert each, which sets ten fields at once.

    Of tags that need not be asked: a single call is about one.
    """
    subscribers = sum(not step.sets_fields_only for step in upserts)
    values = sum(len(step.fields) for step in upserts)
    return call_count(subscribers) + call_count(values) < len(upserts)


async def _or_error(asked: Awaitable[R]) -> R | EventError:
    """Return what the catalog knows, or why there is no such thing."""
    try:
        return await asked
    except EventError as error:
        return error
