"""Where Kit has of a person something else than this worker gave. Pure.

Only what Kit has answered for counts. What the person had besides, or had before, is the creator's.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from worker.events.event import FIRST
from worker.mapping import Options
from worker.subscribers.change import NOTHING
from worker.subscribers.desired import left
from worker.subscribers.drifted import NO_MORE_MAIL, DriftKind, DriftRow
from worker.subscribers.identity import normalize_email
from worker.subscribers.known import KitName
from worker.subscribers.parts import tag_key
from worker.subscribers.record import Record
from worker.subscribers.record_parts import UNKNOWN, KnownPart

T = TypeVar("T")

TAGS: Final = "tags"
FIELDS: Final = "custom_fields"


CLASSES: Final = (*DriftKind, "tag_renamed", "tag_deleted", "field_renamed", "field_deleted")
"""All kinds of differences, those of a whole account last."""


@dataclass(frozen=True, slots=True)
class NamesAtKit:
    """The tags and custom fields that a Kit account has.

    Attributes:
        tags: What each tag is called, by id.
        tag_ids: The ids, by `tag_key`.
        fields: The key of each custom field, by id.
        field_ids: The ids, by key and label.
        labels: What people call each custom field, by id.
    """

    tags: Mapping[int, str]
    tag_ids: Mapping[str, int]
    fields: Mapping[int, str]
    field_ids: Mapping[str, int]
    labels: Mapping[int, str]

    def tag(self, name: str, kit_id: int) -> int | None:
        """Return the id of the tag that a name means, which meant that id; None where Kit has none."""
        return kit_id if kit_id in self.tags else self.tag_ids.get(tag_key(name))

    def field(self, name: str, kit_id: int) -> str | None:
        """Return the key of the custom field that a name means, likewise."""
        if kit_id in self.fields:
            return self.fields[kit_id]
        found = self.field_ids.get(name) or self.field_ids.get(name.lower())
        return None if found is None else self.fields[found]


@dataclass(frozen=True, slots=True)
class SubscriberAtKit:
    """A subscriber as Kit has it.

    Attributes:
        state: Such as `active`.
        fields: By key; a field without a value is None, empty, or not there.
        tags: The ids of the tags; None where nobody looked.
    """

    email: str
    state: str
    first_name: str
    fields: Mapping[str, object]
    tags: Container[int] | None


@dataclass(frozen=True, slots=True)
class AccountDrift:
    """A tag or a custom field that a name means, and that somebody renamed or deleted in Kit.

    Attributes:
        kind: `tags` or `custom_fields`.
        name: As the account's file has it.
        kit_name: What it is called in Kit now; empty where it is gone.
        people: How many people are known to have it; 0 where it was renamed, which changes nothing for them.
    """

    kind: str
    name: str
    kit_name: str = ""
    people: int = 0

    @property
    def kind_of_drift(self) -> str:
        """The class of it, such as `tag_renamed`."""
        return f"{'tag' if self.kind == TAGS else 'field'}_{'renamed' if self.kit_name else 'deleted'}"

    @property
    def told(self) -> str:
        """What is so, and what to do about it, for people."""
        what = f"{'Tag' if self.kind == TAGS else 'Custom field'} {self.name!r}"
        if self.kit_name:
            return (
                f"{what} is called {self.kit_name!r} in Kit now, and still meant by it: write the new name "
                "into the account's file, or rename it back in Kit"
            )
        return (
            f"{what} was deleted in Kit, which {self.people:,} people had by this worker: take it out of the "
            "account's file; or leave it there, and kit-worker apply gives it to them anew"
        )


def differences(
    record: Record, kit: SubscriberAtKit | None, names: NamesAtKit, options: Options
) -> list[DriftRow]:
    """Return where Kit has something else of a person than this worker gave.

    Of tags and custom fields that Kit has no more nothing is told; see `lacking`.

    Args:
        record: What this worker gave.
        kit: What Kit has under the id of the record; None where it has nobody.
        names: Of the Kit account.
        options: The account's: a first name that is only set on new people may be changed in Kit.
    """
    if kit is None:
        return [DriftRow(DriftKind.DELETED)]
    return [*_of_person(record, kit, options), *_of_tags(record, kit, names), *_of_fields(record, kit, names)]


def lacking(record: Record, names: NamesAtKit) -> Iterator[tuple[str, str, str]]:
    """Yield what somebody should have and Kit has no more, for anybody: as `Progress.names` has it."""
    for key, tag in record.tags.items():
        if _is_done(tag) and tag.part.value.present and names.tag(key, tag.kit_id) is None:
            yield TAGS, tag.part.value.name, ""
    for name, value in record.fields.items():
        if _is_done(value) and value.part.value and names.field(name, value.kit_id) is None:
            yield FIELDS, name, ""


def renamed(known: Iterable[KitName], names: NamesAtKit) -> Iterator[tuple[str, str, str]]:
    """Yield which tags and custom fields somebody renamed in Kit, likewise.

    Args:
        known: What names in the account's file have meant so far.
        names: What there is in Kit.
    """
    for one in known:
        if one.kind == TAGS:
            called, mean = names.tags.get(one.kit_id), names.tag_ids.get(one.name)
        else:
            called = names.labels.get(one.kit_id)
            mean = names.field_ids.get(one.name) or names.field_ids.get(one.name.lower())
        if called is not None and mean is None:
            yield one.kind, one.name, called


def is_on_its_way(record: Record) -> bool:
    """Tell whether something is still to be done for a person, so that a difference tells nothing."""
    return record.moving or bool(record.held) or bool(left(record, NOTHING))


def _is_done(known: KnownPart[T]) -> bool:
    """Tell whether Kit has answered for a part that some event asked for."""
    return known.answered_at != UNKNOWN and known.part.order != FIRST


def _of_person(record: Record, kit: SubscriberAtKit, options: Options) -> Iterator[DriftRow]:
    if kit.email.lower() != record.email and _address(kit.email) != record.email:
        yield DriftRow(DriftKind.ADDRESS, kit=kit.email)
    if kit.state in NO_MORE_MAIL and record.unsubscribed is None:
        yield DriftRow(DriftKind.UNSUBSCRIBED, kit=kit.state)
    name = record.first_name if options.first_name == "always" else None
    if name is not None and _is_done(name) and name.part.value != kit.first_name:
        yield DriftRow(DriftKind.FIRST_NAME, kit=kit.first_name or None)


def _of_tags(record: Record, kit: SubscriberAtKit, names: NamesAtKit) -> Iterator[DriftRow]:
    if kit.tags is None:
        return
    for key, tag in record.tags.items():
        id_ = names.tag(key, tag.kit_id)
        if not _is_done(tag) or id_ is None:
            continue
        wish, has = tag.part.value, id_ in kit.tags
        if wish.present and not has:
            yield DriftRow(DriftKind.TAG_MISSING, wish.name)
        elif has and not wish.present:
            yield DriftRow(DriftKind.TAG_BACK, wish.name, names.tags[id_])


def _of_fields(record: Record, kit: SubscriberAtKit, names: NamesAtKit) -> Iterator[DriftRow]:
    for name, value in record.fields.items():
        key = names.field(name, value.kit_id)
        if not _is_done(value) or key is None:
            continue
        has = kit.fields.get(key)
        if (value.part.value or "") != ("" if has is None else str(has)):
            yield DriftRow(DriftKind.FIELD, name, str(has) if has else None)


def _address(email: str) -> str:
    try:
        return normalize_email(email)
    except ValueError:
        return email.lower()
