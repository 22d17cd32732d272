"""What a subscriber should have by all that is known, and what of it is left to do. Pure.

What Kit has came from the newest event that named it, unless facts say otherwise that became known later. So
whatever facts speak of is worked out anew each time: from the facts, and from the newest of what other
events say of it, which `Record.base` keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from msgspec.structs import replace

from worker.events.event import FIRST
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.fact import NO_FACTS, Facts, learn_facts
from worker.subscribers.lifecycle import derive
from worker.subscribers.parts import Part, TagWish, merge_parts, newer, slot_of
from worker.subscribers.record import UNKNOWN, KnownPart, Record

T = TypeVar("T")
V = TypeVar("V", TagWish, str | None)

_Moment: TypeAlias = tuple[Any, ...]
"""The sequence and the time of an event."""
_Names: TypeAlias = Mapping[str, set[_Moment]]


class _Spoken:
    """The tags and custom fields of which facts speak, and when, under the keys that a `Change` has for them.

    Args:
        facts: Which.
        gave: The keys of `Change.gave` that are known otherwise: to speak of a slot is to speak of all that
            it ever gave.
    """

    def __init__(self, facts: Facts = NO_FACTS, gave: Iterable[str] = ()) -> None:
        self.tags: dict[str, set[_Moment]] = {}
        self.fields: dict[str, set[_Moment]] = {}
        by_slot: dict[str, set[str]] = {}
        for key in (*gave, *(key for fact in facts for key in fact.gave)):
            slot, _, tag = key.partition("\n")
            by_slot.setdefault(slot, set()).update({tag} - {""})
        # What a slot gave may have become known after it was taken off: that came from a fact all the same.
        of_slots = {fact.order[:2] for fact in facts if fact.gave}
        for fact in facts:
            moment = fact.order[:2]
            for name in fact.tags.keys() | {tag for key in fact.gave for tag in by_slot[slot_of(key)]}:
                self.tags.setdefault(name, set(of_slots)).add(moment)
            for name in (*fact.sets, *fact.shows):
                self.fields.setdefault(name, set()).add(moment)


def desired(record: Record, change: Change) -> Change:
    """Return what should be true once a change is made: of all that it names, what stands."""
    facts, asked, spoken = learn_facts(record.facts, change.facts), record.owed.merge(change), _Spoken()
    if facts:
        spoken = _Spoken(facts, {*record.gave, *asked.gave})
        asked = _with_facts(record, asked, facts, spoken)
    asked = asked.replacing(record.gave)
    tags = _or_done(asked.tags, record.tags, spoken.tags)
    fields = _or_done(asked.fields, record.fields, spoken.fields)
    return replace(
        asked,
        tags=_all_off(tags, record.tags, newer(record.tags_off, asked.tags_off)),
        fields=_all_off(fields, record.fields, newer(record.fields_off, asked.fields_off)),
    )


def left(record: Record, change: Change) -> Change:
    """Return what of a change is still to be done, and of what is owed."""
    asked = desired(record, change)
    return Change(
        tags={key: part for key, part in asked.tags.items() if _is_left(part, record.tags.get(key))},
        fields={name: part for name, part in asked.fields.items() if _is_left(part, record.fields.get(name))},
        first_name=_after(asked.first_name, record.first_name and record.first_name.part),
        ensure=asked.ensure if asked.ensure and asked.ensure.order > record.ensured else None,
        address=asked.address,
        creates=asked.creates,
        unsubscribe=_after(asked.unsubscribe, record.unsubscribed),
    )


def is_news(record: Record, change: Change) -> bool:
    """Tell whether a change asks for anything beyond what is done, or owed anyway.

    What a slot gave counts even where the tag itself is older: a later gift has to take it off. Of a change
    with facts all that is left counts: they may be known already, and not be done.
    """
    then = left(record, change)
    now = NOTHING if change.facts else left(record, NOTHING)
    gave = (_after(part, record.gave.get(key)) for key, part in change.gave.items())
    return (
        _may_be_done(record, change)
        or any(now.tags.get(key) != part for key, part in then.tags.items())
        or any(now.fields.get(name) != part for name, part in then.fields.items())
        or (then.first_name, then.ensure, then.unsubscribe) != (now.first_name, now.ensure, now.unsubscribe)
        or any(gave)
        or _after(change.tags_off, record.tags_off) is not None
        or _after(change.fields_off, record.fields_off) is not None
    )


def begin(record: Record, change: Change) -> None:
    """Note in a record what a change knows, before anything of it is done: what is done may come from that.

    What other events say of the same is kept, before Kit is told otherwise.
    """
    record.gave = merge_parts(record.gave, change.gave)
    if not change.facts:
        return
    doubtful = _may_be_done(record, change)
    record.facts = learn_facts(record.facts, change.facts)
    spoken = _Spoken(record.facts, record.gave)
    if doubtful:
        record.doubt_known(spoken.tags, spoken.fields)
    done = Change(
        tags=_not_of(spoken.tags, _done(record.tags)), fields=_not_of(spoken.fields, _done(record.fields))
    )
    record.base = record.base.merge(done)


def _may_be_done(record: Record, change: Change) -> bool:
    """Tell whether facts that are not known here may have been applied by a worker that could not say so."""
    return any(fact.again and fact not in record.facts for fact in change.facts)


def learn(record: Record, change: Change) -> None:
    """Note in a record what a change says, whatever of it stands; what is true in Kit is noted elsewhere."""
    record.facts = learn_facts(record.facts, change.facts)
    record.gave = merge_parts(record.gave, change.gave)
    record.tags_off = newer(record.tags_off, change.tags_off)
    record.fields_off = newer(record.fields_off, change.fields_off)
    if record.facts:
        spoken = _Spoken(record.facts, record.gave)
        record.base = record.base.merge(
            Change(tags=_not_of(spoken.tags, change.tags), fields=_not_of(spoken.fields, change.fields))
        )


def finish(record: Record, change: Change) -> None:
    """Note in a record that all of a change, and all that was owed, is true in Kit."""
    learn(record, record.owed.merge(change))
    if change.ensure is not None:
        record.ensured = max(record.ensured, change.ensure.order)
    record.owed = NOTHING


# -- of what facts speak ----------------------------------------------------------------------------------


def _with_facts(record: Record, asked: Change, facts: Facts, spoken: _Spoken) -> Change:
    derived, again = derive(facts), _undone(facts)
    tags = _worked_out(spoken.tags, asked.tags, record.base.tags, record.tags)
    fields = _worked_out(spoken.fields, asked.fields, record.base.fields, record.fields)
    return replace(
        asked,
        tags=_or_ended(merge_parts(tags, derived.tags), again.tags, record.tags, spoken.tags),
        fields=_or_ended(merge_parts(fields, derived.fields), again.fields, record.fields, spoken.fields),
        gave=merge_parts(asked.gave, derived.gave),
    )


def _undone(facts: Facts) -> Change:
    """Return the end of all that was asked for by events that were delivered before.

    A worker may have applied them that could not say so any more, while it did not know of others.
    """
    again = [fact for fact in facts if fact.again]
    return Change(
        tags={key: Part(_gone(wish), fact.order) for fact in again for key, wish in fact.tags.items()},
        fields={name: Part(None, fact.order) for fact in again for name in (*fact.sets, *fact.shows)},
    )


def _worked_out(
    spoken: _Names,
    asked: Mapping[str, Part[V]],
    base: Mapping[str, Part[V]],
    known: Mapping[str, KnownPart[V]],
) -> Mapping[str, Part[V]]:
    """Return what stands of what is asked for by other events than the facts."""
    others = {name: part for name, part in asked.items() if name not in spoken}
    return merge_parts(
        others, merge_parts(merge_parts(_not_of(spoken, asked), base), _not_of(spoken, _done(known)))
    )


def _or_ended(
    stand: Mapping[str, Part[V]],
    again: Mapping[str, Part[V]],
    known: Mapping[str, KnownPart[V]],
    spoken: _Names,
) -> Mapping[str, Part[V]]:
    """Add the end of what facts asked for once, and nobody asks for any more."""
    given = {name: known[name].part for name in spoken.keys() & known.keys() if _may_be_there(known[name])}
    ended = {name: Part(_gone(part.value), part.order) for name, part in {**again, **given}.items()}
    return {**ended, **stand}


def _not_of(spoken: _Names, parts: Mapping[str, Part[V]]) -> Mapping[str, Part[V]]:
    """Return the parts of what facts speak of that come from other events."""
    return {
        name: part
        for name, moments in spoken.items()
        if (part := parts.get(name)) is not None and part.order[:2] not in moments
    }


# -- what is done -----------------------------------------------------------------------------------------


def _done(known: Mapping[str, KnownPart[V]]) -> Mapping[str, Part[V]]:
    """Return what events asked for and Kit has; not what was sent, and never answered."""
    return {name: one.part for name, one in known.items() if one.part.order != FIRST}


def _or_done(
    parts: Mapping[str, Part[V]], known: Mapping[str, KnownPart[V]], spoken: _Names
) -> Mapping[str, Part[V]]:
    """Return the newer of what is asked for and what is done; of what facts speak it is known already."""
    return {
        name: part if name in spoken or name not in known else known[name].part.newer(part)
        for name, part in parts.items()
    }


def _all_off(
    parts: Mapping[str, Part[V]], known: Mapping[str, KnownPart[V]], off: Part[bool] | None
) -> Mapping[str, Part[V]]:
    """Return the parts, and the end of all that was there before everything was to be off."""
    if off is None:
        return parts
    there = {name: one.part for name, one in known.items() if _may_be_there(one)}
    asked = {name: part for name, part in parts.items() if _has(part.value)}
    before = {
        name: part
        for name, part in {**there, **asked}.items()
        if part.order < off.order and (name in asked or name not in parts)
    }
    stand = {name: part for name, part in parts.items() if name not in before}
    ended = {name: Part(_gone(part.value), off.order) for name, part in before.items() if name in known}
    return {**stand, **ended}


def _is_left(part: Part[V], known: KnownPart[V] | None) -> bool:
    """Tell whether Kit is to be told: what is newer, what is otherwise, and what may have been changed."""
    if known is None or known.at == UNKNOWN or part.order > known.part.order:
        return True
    return _says(part.value) != _says(known.part.value)


def _after(part: Part[T] | None, other: Part[Any] | None) -> Part[T] | None:
    return part if part is not None and (other is None or part.order > other.order) else None


def _has(value: TagWish | str | None) -> bool:
    return value.present if isinstance(value, TagWish) else value is not None


def _may_be_there(known: KnownPart[Any]) -> bool:
    return known.at == UNKNOWN or _has(known.part.value)


def _says(value: TagWish | str | None) -> bool | str | None:
    return value.present if isinstance(value, TagWish) else value


def _gone(value: V) -> V:
    return replace(value, present=False) if isinstance(value, TagWish) else None
