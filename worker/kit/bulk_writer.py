"""Makes the changes of many people true in Kit together: up to 100 entries a call, stage by stage.

For an account with OAuth, which alone may use Kit's bulk endpoints. Each person is settled by itself: whoever
cannot be applied together, by the nature of the change or because Kit named an entry of theirs as failed, is
left to the writer of single calls, which finds out why.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

from worker.book import Book
from worker.changes import FIRST, Change, OrderKey
from worker.errors import CredentialRefused, EventError, KitRejected, TryLater
from worker.kit.answers import Answer
from worker.kit.bulk import (
    BulkCall,
    FieldValue,
    NewSubscriber,
    Tagging,
    Untagging,
    call_count,
    calls,
    subscriber_ids,
    taggings_done,
    values_set,
)
from worker.kit.catalog import Catalog, Field, Tag
from worker.kit.client import KitClient
from worker.kit.plan import plan
from worker.kit.writer import Writer
from worker.records import UNKNOWN
from worker.rounds import Round
from worker.subjects import Call, Subject

E = TypeVar("E", NewSubscriber, FieldValue, Tagging, Untagging)
T = TypeVar("T", Tagging, Untagging)
R = TypeVar("R")
NOTHING_DONE: Final = Answer(0, {})


@dataclass(slots=True, eq=False)
class _Share:
    """One person's part of a round.

    Attributes:
        left: What of the change is to be done.
        together: False once the person is left to single calls.
    """

    subject: Subject
    change: Change
    left: Change
    together: bool = True


@dataclass(frozen=True, slots=True)
class _Wanted(Generic[E]):
    """An entry of a call, who wants it, and what is noted of it.

    Attributes:
        part: What is done by it.
        order: Of the event that asks for it.
        kit_ids: See `Record.note`.
    """

    entry: E
    share: _Share
    part: Change
    what: str
    order: OrderKey
    kit_ids: Mapping[str, int] = field(default_factory=dict)
    rules: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a call has done: of each entry that is surely done, the subscriber's id."""

    answer: Answer
    ids: Mapping[Any, int]


_Done: TypeAlias = Callable[[BulkCall[Any], Answer], Mapping[Any, int]]
"""Reads an answer: of each entry that is surely done, the subscriber's id."""
_Stage: TypeAlias = tuple[list[_Wanted[Any]], _Done]


class _InterruptedError(Exception):
    """Calls failed in a way that says: not now."""

    def __init__(self, error: TryLater | CredentialRefused, failed: Iterable[Subject]) -> None:
        super().__init__(str(error))
        self.error = error
        self.failed = set(failed)


class BulkWriter:
    """Applies changes of many people to one Kit account.

    Args:
        client: The way to Kit.
        catalog: The account's tags and custom fields.
        book: What is known of the subscribers; every answer is noted there.
        writer: Knows what is left to do of a change.
        now: Seconds since 1970.
    """

    def __init__(
        self, client: KitClient, catalog: Catalog, book: Book, writer: Writer, *, now: Callable[[], float]
    ) -> None:
        self._client = client
        self._catalog = catalog
        self._book = book
        self._writer = writer
        self._now = now

    async def apply(
        self, changes: Sequence[tuple[Subject, Change]], *, one_at_a_time: bool = False
    ) -> Round[Subject]:
        """Make changes true, as far as that can be done together.

        Args:
            changes: Whose, and what.
            one_at_a_time: Whether one call is to end well before the next begins.

        Returns:
            What came of each. Whatever that is, the records hold what was done, so that a later try goes on
            from there.
        """
        result = Round[Subject]()
        try:
            shares = [await self._share(subject, change) for subject, change in changes]
            if not self._pays(shares):
                result.alone = [subject for subject, _ in changes]
                return result
            for stage in (self._subscribers, self._fields, self._removals, self._additions):
                wanted, done = await stage([share for share in shares if share.together])
                await self._send(wanted, done, one_at_a_time=one_at_a_time)
        except _InterruptedError as interrupted:
            result.error, result.failed = interrupted.error, interrupted.failed
            return result
        except (TryLater, CredentialRefused) as error:
            result.error = error  # of the catalog: it is nobody's call
            return result
        for share in shares:
            (result.done if share.together else result.alone).append(share.subject)
            if share.together:
                share.subject.record.finish(share.change)
        return result

    async def _share(self, subject: Subject, change: Change) -> _Share:
        if self._writer.moves(subject, change):
            return _Share(subject, change, change, together=False)
        left = await self._writer.left_of(subject, change)
        clears = any(part.value is None for part in left.fields.values())  # a bulk call takes text only
        # Whether somebody was created, the answer of a bulk call does not say.
        created = self._names_new_people and (subject.record.kit_id is None or subject.record.created)
        return _Share(subject, change, left, together=not (clears or created))

    @property
    def _names_new_people(self) -> bool:
        return self._catalog.options.first_name == "if_created"

    def _needs_upsert(self, share: _Share) -> bool:
        named = share.left.first_name is not None and not self._names_new_people
        return bool(share.left) and (share.subject.record.kit_id is None or named)

    def _pays(self, shares: Iterable[_Share]) -> bool:
        """Tell whether bulk calls are fewer than single ones."""
        single, entries = 0, (0, 0, 0, 0)
        for share in shares:
            if not share.together or not share.left:
                continue
            todo = plan(share.left, self._catalog.options, known=share.subject.record.kit_id is not None)
            single += len(todo.upserts) + len(todo.removals) + len(todo.additions)
            entries = (
                entries[0] + self._needs_upsert(share),
                entries[1] + len(share.left.fields),
                entries[2] + len(todo.removals),
                entries[3] + len(todo.additions),
            )
        return single > sum(map(call_count, entries))

    # -- the stages -----------------------------------------------------------------------------------

    async def _subscribers(self, shares: Sequence[_Share]) -> _Stage:
        state, wanted = self._catalog.options.subscriber_state, list[_Wanted[NewSubscriber]]()
        for share in shares:
            record, name = share.subject.record, share.left.first_name
            if name is not None and self._names_new_people:
                record.note(Change(first_name=name), UNKNOWN, {})  # it is not sent
                name = None
            if self._needs_upsert(share):
                record.asked = record.kit_id is None
                entry = NewSubscriber(record.email, state, name.value if name else None)
                order = name.order if name else _newest(share.left)
                what = "first name" if name else "the subscriber"
                wanted.append(_Wanted(entry, share, Change(first_name=name), what, order))
        return wanted, subscriber_ids

    async def _fields(self, shares: Sequence[_Share]) -> _Stage:
        wanted = list[_Wanted[FieldValue]]()
        known = dict[str, Field | None]()
        for share in shares:
            for name, part in share.left.fields.items():
                if name not in known:
                    known[name] = await _or_none(self._catalog.field(name))
                found = known[name]
                if found is None:
                    share.together = False  # single calls will say why
                    break
                entry = FieldValue(_id_of(share.subject), found.id, part.value or "")
                change = Change(fields={name: part})
                wanted.append(_Wanted(entry, share, change, name, part.order, {name: found.id}))
        return wanted, values_set

    async def _removals(self, shares: Sequence[_Share]) -> _Stage:
        return await self._taggings(shares, Untagging, present=False), taggings_done

    async def _additions(self, shares: Sequence[_Share]) -> _Stage:
        return await self._taggings(shares, Tagging, present=True), taggings_done

    async def _taggings(self, shares: Sequence[_Share], kind: type[T], *, present: bool) -> list[_Wanted[T]]:
        wanted = list[_Wanted[T]]()
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
                    share.subject.record.note(change, self._now(), ids)
                    continue
                what = f"tag {part.value.name!r}" + ("" if present else " off")
                entry = kind(tag.id, _id_of(share.subject))
                wanted.append(_Wanted(entry, share, change, what, part.order, ids, (part.value.rule,)))
        return wanted

    # -- parts ----------------------------------------------------------------------------------------

    async def _send(self, wanted: Iterable[_Wanted[Any]], done: _Done, *, one_at_a_time: bool) -> None:
        """Make the calls of a stage, and note what was surely done.

        Raises:
            _InterruptedError: A call was not answered well; what others did is noted by then.
        """
        by_entry = dict[Any, list[_Wanted[Any]]]()
        for each in wanted:
            if each.share.together:
                by_entry.setdefault(each.entry, []).append(each)
        sent = calls(by_entry)
        for at_once in [[call] for call in sent] if one_at_a_time else [sent]:
            await self._send_at_once(at_once, by_entry, done)

    async def _send_at_once(
        self, sent: Sequence[BulkCall[Any]], by_entry: Mapping[Any, list[_Wanted[Any]]], done: _Done
    ) -> None:
        wanted = [[each for entry in call.entries for each in by_entry[entry]] for call in sent]
        for each in itertools.chain(*wanted):
            each.share.subject.record.doubt(each.part)
            self._book.touch(each.share.subject)
        ends = await asyncio.gather(*(self._call(call, done) for call in sent))
        errors, failed = list[TryLater | CredentialRefused](), set[Subject]()
        for members, end in zip(wanted, ends, strict=True):
            if isinstance(end, _Answered):
                for each in members:
                    self._note(each, end)
            else:
                errors.append(end)
                failed |= {each.share.subject for each in members}
        if errors:
            worst = next((each for each in errors if isinstance(each, CredentialRefused)), errors[0])
            raise _InterruptedError(worst, failed)

    async def _call(self, call: BulkCall[Any], done: _Done) -> _Answered | TryLater | CredentialRefused:
        try:
            answer = await self._client.call(call.method, call.path, json=call.body)
            return _Answered(answer, done(call, answer))
        except (TryLater, CredentialRefused) as error:
            return error
        except KitRejected:
            return _Answered(NOTHING_DONE, {})  # single calls will show whose fault it is

    def _note(self, wanted: _Wanted[Any], end: _Answered) -> None:
        share, record = wanted.share, wanted.share.subject.record
        kit_id = end.ids.get(wanted.entry)
        if kit_id is None or record.kit_id not in {None, kit_id}:
            share.together = False  # it failed, or the address is another one's by now
            return
        record.kit_id, record.asked = kit_id, False
        record.note(wanted.part, self._now(), wanted.kit_ids)
        call = Call(end.answer.endpoint, wanted.what, end.answer.status, wanted.rules)
        self._book.called(share.subject, call, (wanted.order,))


async def _or_none(asked: Awaitable[R]) -> R | None:
    """Return what the catalog knows; None for what it must not create."""
    try:
        return await asked
    except EventError:
        return None


def _id_of(subject: Subject) -> int:
    if subject.record.kit_id is None:
        raise AssertionError("the first stage makes sure of everybody")
    return subject.record.kit_id


def _newest(change: Change) -> OrderKey:
    """Return the order of the event for whose sake somebody is made sure of."""
    parts = [*change.tags.values(), *change.fields.values(), change.first_name, change.ensure]
    return max((part.order for part in parts if part is not None), default=FIRST)
