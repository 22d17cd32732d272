"""Kit's bulk calls: what goes into one, and which of its entries are surely done. Pure.

A bulk call with at most 100 entries is answered at once; with more, Kit works on it later and answers
nothing (Kit API reference, "Bulk & async processing"). An entry that Kit cannot apply is named under
`failures`, the others are done. Answers come in another order than the request, and a failure may lack the
very id that would tell it from others, so an entry counts as done only where nothing speaks against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Any, ClassVar, Final, Generic, TypeVar

from msgspec import Struct

from worker.kit.answers import Answer

MAX_ENTRIES: Final = 100
"""Of one bulk call that is answered at once."""


class NewSubscriber(Struct, frozen=True, gc=False):
    """A subscriber to create, or to find by address; a first name overwrites the one that Kit has."""

    METHOD: ClassVar = "POST"
    PATH: ClassVar = "/v4/bulk/subscribers"
    LIST: ClassVar = "subscribers"

    email: str
    state: str
    first_name: str | None = None

    def as_json(self) -> Mapping[str, Any]:
        """Return the entry as Kit takes it."""
        entry = {"email_address": self.email, "state": self.state}
        return entry if self.first_name is None else {**entry, "first_name": self.first_name}


class FieldValue(Struct, frozen=True, gc=False):
    """The value of a custom field."""

    METHOD: ClassVar = "POST"
    PATH: ClassVar = "/v4/bulk/custom_fields/subscribers"
    LIST: ClassVar = "custom_field_values"

    subscriber_id: int
    field_id: int
    value: str

    def as_json(self) -> Mapping[str, Any]:
        """Return the entry as Kit takes it."""
        ids = {"subscriber_id": self.subscriber_id, "subscriber_custom_field_id": self.field_id}
        return {**ids, "value": self.value}


class Tagging(Struct, frozen=True, gc=False):
    """A tag on a subscriber, to be put there."""

    METHOD: ClassVar = "POST"
    PATH: ClassVar = "/v4/bulk/tags/subscribers"
    LIST: ClassVar = "taggings"

    tag_id: int
    subscriber_id: int

    def as_json(self) -> Mapping[str, Any]:
        """Return the entry as Kit takes it."""
        return {"tag_id": self.tag_id, "subscriber_id": self.subscriber_id}


class Untagging(Tagging, frozen=True):
    """A tag on a subscriber, to be taken off."""

    METHOD: ClassVar = "DELETE"


Entry = NewSubscriber | FieldValue | Tagging
E = TypeVar("E", NewSubscriber, FieldValue, Tagging, Untagging)
T = TypeVar("T", Tagging, Untagging)


class BulkCall(Struct, Generic[E], frozen=True):
    """One call, with at most `MAX_ENTRIES` entries of one kind."""

    entries: tuple[E, ...]

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.entries[0].METHOD

    @property
    def path(self) -> str:
        """The path, which holds no ids."""
        return self.entries[0].PATH

    @property
    def body(self) -> Mapping[str, Any]:
        """The JSON to send."""
        return {self.entries[0].LIST: [entry.as_json() for entry in self.entries], "callback_url": None}


def call_count(entries: int) -> int:
    """Return how many calls so many entries take."""
    return -(-entries // MAX_ENTRIES)


def calls(entries: Iterable[E]) -> list[BulkCall[E]]:
    """Return the fewest calls for these entries, each entry once."""
    unique = list(dict.fromkeys(entries))
    return [BulkCall(tuple(unique[at : at + MAX_ENTRIES])) for at in range(0, len(unique), MAX_ENTRIES)]


def subscriber_ids(call: BulkCall[NewSubscriber], answer: Answer) -> dict[NewSubscriber, int]:
    """Return the ids of those subscribers that Kit surely has now.

    That an answer is Kit's, and holds what is read here, was checked when it came (`answers.SHAPES`).
    """
    failed = {_lower(each.get("email_address")) for each in _failed(answer, "subscriber")}
    found = {_lower(each["email_address"]): int(each["id"]) for each in answer.items("subscribers")}
    return {
        entry: found[address]
        for entry in call.entries
        if (address := entry.email.lower()) in found and address not in failed
    }


def values_set(call: BulkCall[FieldValue], answer: Answer) -> dict[FieldValue, int]:
    """Return those values that Kit surely has now, each with whose it is."""
    keys = ("subscriber_id", "subscriber_custom_field_id")
    failed = [tuple(each.get(key) for key in keys) for each in _failed(answer, "custom_field_value")]
    listed = {tuple(each[key] for key in keys) for each in answer.items("custom_field_values")}
    return {
        entry: entry.subscriber_id
        for entry in call.entries
        if (ids := (entry.subscriber_id, entry.field_id)) in listed and not _is_meant(ids, failed)
    }


def taggings_done(call: BulkCall[T], answer: Answer) -> dict[T, int]:
    """Return those tags that were surely put on, or taken off, each with whose it is."""
    failed = [(each.get("tag_id"), each.get("subscriber_id")) for each in _failed(answer, "tagging")]
    tagged: set[object] | None = None
    if "subscribers" in answer.body:  # which a call that takes tags off does not answer
        tagged = {each["id"] for each in answer.items("subscribers")}
    return {
        entry: entry.subscriber_id
        for entry in call.entries
        if not _is_meant((entry.tag_id, entry.subscriber_id), failed)
        and (tagged is None or entry.subscriber_id in tagged)
    }


def taggings_new(call: BulkCall[Tagging], answer: Answer, before: float, since: float) -> dict[Tagging, bool]:
    """Return which tags were newly put on, and which were there; those of which it is not known are missing.

    An answer has a row for each tagging, with its time, that does not say which tag it is. So of several tags
    of one person it is known where all are alike.

    Args:
        call: It.
        answer: Kit's.
        before: A moment, in seconds since 1970, as are all: what was put on before was there already.
        since: What was put on since is new.
    """
    times: dict[int, list[float]] = {}
    for each in answer.items("subscribers"):
        times.setdefault(each["id"], []).append(_seconds(each.get("tagged_at")))
    asked = Counter(entry.subscriber_id for entry in call.entries)
    new = dict[int, bool]()
    for who, found in times.items():
        if len(found) == asked[who] and (max(found) < before or since <= min(found) <= max(found) < inf):
            new[who] = max(found) >= before
    return {entry: new[entry.subscriber_id] for entry in call.entries if entry.subscriber_id in new}


def in_turns(taggings: Iterable[T]) -> list[T]:
    """Return taggings so that those of one person are far from each other, in different calls if need be."""
    turns = Counter[int]()
    placed = []
    for tagging in taggings:
        placed.append((turns[tagging.subscriber_id], tagging))
        turns[tagging.subscriber_id] += 1
    return [tagging for _, tagging in sorted(placed, key=lambda each: each[0])]


def _seconds(time: object) -> float:
    """Return a time of Kit's in seconds since 1970; later than all others where it is none."""
    try:
        return datetime.fromisoformat(time).timestamp() if isinstance(time, str) else inf
    except (ValueError, OverflowError):
        return inf


def _failed(answer: Answer, kind: str) -> Iterator[Mapping[str, Any]]:
    """Yield what Kit says of each entry that it could not apply."""
    for failure in answer.items("failures"):
        named = failure.get(kind)
        yield named if isinstance(named, dict) else {}


def _is_meant(ids: Sequence[object], failed: Iterable[Sequence[object]]) -> bool:
    """Tell whether a failure may be about an entry: the id that Kit did not find is null in it."""
    return any(
        all(named in {None, id_} for named, id_ in zip(failure, ids, strict=True)) for failure in failed
    )


def _lower(address: object) -> str:
    return address.lower() if isinstance(address, str) else ""
