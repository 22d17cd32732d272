"""Which steps of a change would call Kit, and on what each call depends that is not known. Pure.

As `kit.writer` makes them: what Kit would answer follows from whom it was seen to have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import structs

from worker.accounts.preview import call_of
from worker.kit.plan import AddTag, FindSubscriber, NameIfCreated, RemoveTag, Step, Unsubscribe, Upsert
from worker.ops.in_kit import InKit, is_nobody
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.record import Record

IF_THE_TAG_IS_THERE: Final = "where Kit has that tag"
IF_A_FIELD_IS_THERE: Final = "where Kit has one of these fields"


def is_gone(record: Record, here: InKit | None) -> bool:
    """Tell whether Kit surely has no more whom the ledger knows by an id."""
    return here is not None and record.kit_id not in {None, here.id}


def notices(step: Step, record: Record, here: InKit | None) -> bool:
    """Tell whether Kit's answer would show that the subscriber is gone; to take a tag off does not."""
    if here is None or not is_gone(record, here):
        return False
    match step:
        case Upsert():
            return not _only_clears(step) or any(map(here.field_id, step.fields))
        case NameIfCreated():
            return record.created
    return isinstance(step, AddTag)


def _only_clears(step: Upsert) -> bool:
    """Tell whether a step does nothing where Kit lacks its custom fields: none is made to be empty."""
    is_bare = step.ensure is None and step.first_name is None
    return is_bare and all(part.value is None for part in step.fields.values())


def foreseen(record: Record, steps: list[Step], here: InKit | None) -> Iterator[tuple[Step, str]]:
    """Yield the steps for which a call is made, each with where only; empty where always."""
    is_new = record.kit_id is None and is_nobody(here)
    gone = is_gone(record, here)
    for step in steps:
        match step:
            case RemoveTag(key=key) if not is_new:  # whom Kit has just created has none
                # Who was deleted in Kit and is there anew is not whom a worker asks to have it taken off.
                is_there = not gone and here is not None and key in here.tags
                is_there = is_there and not _was_lacking(record, key)
                yield step, "" if is_there else _unless_new(step, record, here) or IF_THE_TAG_IS_THERE
            case NameIfCreated() if record.created or is_new:
                yield step, ""
            case NameIfCreated() if here is None and record.kit_id is None:
                yield step, _unless_new(step, record, here)
            case Unsubscribe() if not gone:  # whom Kit has no more gets no mail either
                yield step, ""
            case Upsert():
                yield from _writing(step, here)
            case AddTag():
                yield step, ""


def _unless_new(step: Step, record: Record, here: InKit | None) -> str:
    """Return on what a call depends where nobody knows whether the person is new to Kit."""
    return call_of(record.email, step).only if here is None and record.kit_id is None else ""


def parts_of(step: Step) -> Change:
    """Return what of a person a step is about."""
    match step:
        case FindSubscriber():
            return NOTHING
        case NameIfCreated(first_name=name):
            return Change(first_name=name)
    return step.parts


def _was_lacking(record: Record, key: str) -> bool:
    """Tell whether Kit had no such tag when it was last to be taken off; a worker may see it late."""
    known = record.tags.get(key)
    return known is not None and not known.part.value.present and known.kit_id == 0


def _writing(step: Upsert, here: InKit | None) -> Iterator[tuple[Upsert, str]]:
    """Yield the step that writes a subscriber, if any: a custom field that Kit lacks is clear already."""
    are_known = here is not None and here.fields is not None
    if here is not None and are_known:
        kept = {name: part for name, part in step.fields.items() if part.value or here.field_id(name)}
        step = structs.replace(step, fields=kept)
    if step.says_something:
        yield step, "" if are_known or not _only_clears(step) else IF_A_FIELD_IS_THERE
