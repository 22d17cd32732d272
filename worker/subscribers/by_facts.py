"""What of all that is asked for stands, where facts speak of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.fact import Facts
from worker.subscribers.lifecycle import derive
from worker.subscribers.parts import Part, TagWish, gone, is_there, merge_parts, newer
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart
from worker.subscribers.spoken import Spoken, SpokenNames, done_otherwise

V = TypeVar("V", TagWish, str | None)


def with_facts(
    record: Record, asked: Change, facts: Facts, spoken: Spoken, anew: Collection[OrderKey]
) -> Change:
    """Return what should be so of all that is asked for, and of all of which facts speak.

    Args:
        record: What is known of the subscriber.
        asked: What other events ask for, and what is owed.
        facts: All that are known.
        spoken: Of what they speak.
        anew: The events that are heard anew.
    """
    (derived, emptied, fallen), again = derive(facts), _undone(facts)
    off = newer(newer(record.tags_off, asked.tags_off), derived.tags_off)
    given = derived.tags if off is None else _but_older(derived.tags, fallen, off.order)
    tags = _worked_out(spoken.tags, asked.tags, record.base.tags, record.tags, anew)
    fields = _worked_out(spoken.fields, asked.fields, record.base.fields, record.fields, anew)
    if emptied:
        fields = {name: part for name, part in fields.items() if part.order >= emptied.get(name, FIRST)}
    return replace(
        asked,
        tags=_or_ended(merge_parts(tags, given), again.tags, record.tags, spoken.tags),
        fields=_or_ended(merge_parts(fields, derived.fields), again.fields, record.fields, spoken.fields),
        gave=merge_parts(asked.gave, derived.gave),
        tags_off=newer(asked.tags_off, derived.tags_off),
        fields_off=newer(asked.fields_off, derived.fields_off),
        unsubscribe=newer(asked.unsubscribe, derived.unsubscribe),
    )


def _but_older(
    tags: Mapping[str, Part[TagWish]], fallen: Mapping[str, OrderKey], off: OrderKey
) -> Mapping[str, Part[TagWish]]:
    """Return tags without those that fell to subscriptions of before everything was to be off."""
    return {key: part for key, part in tags.items() if key not in fallen or fallen[key] > off}


def _undone(facts: Facts) -> Change:
    """Return the end of all that facts asked for, where an event of them was delivered before.

    A worker may have applied it that could not say so any more, and while it did not know of all the others.
    """
    if not any(fact.again for fact in facts):
        return NOTHING
    return Change(
        tags={key: Part(gone(wish), fact.order) for fact in facts for key, wish in fact.tags.items()},
        fields={
            name: Part(None, fact.order) for fact in facts for name in (*fact.sets, *fact.shows, *fact.ended)
        },
    )


def _worked_out(
    spoken: SpokenNames,
    asked: Mapping[str, Part[V]],
    base: Mapping[str, Part[V]],
    known: Mapping[str, KnownPart[V]],
    anew: Collection[OrderKey],
) -> Mapping[str, Part[V]]:
    """Return what stands of what is asked for by other events than the facts."""
    others = {name: part for name, part in asked.items() if not spoken.comes_by_fact(name, part.order)}
    return merge_parts(merge_parts(others, base), done_otherwise(spoken, known, anew))


def _or_ended(
    stand: Mapping[str, Part[V]],
    again: Mapping[str, Part[V]],
    known: Mapping[str, KnownPart[V]],
    spoken: SpokenNames,
) -> Mapping[str, Part[V]]:
    """Add the end of what facts asked for once, and nobody asks for any more."""
    given = {
        name: one.part
        for name, one in known.items()
        if name not in stand and name in spoken.all and may_be_there(one)
    }
    if not (again or given):
        return stand
    ended = {name: Part(gone(part.value), part.order) for name, part in {**again, **given}.items()}
    return {**ended, **stand}


def may_be_there(known: KnownPart[Any]) -> bool:
    """Tell whether Kit has a tag, or a field's value, as far as anybody knows."""
    return not known.is_sure or is_there(known.part.value)
