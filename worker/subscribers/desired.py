"""What a subscriber should have by all that is known, and what of it is left to do. Pure.

What Kit has came from the newest event that named it, unless facts say otherwise that became known later. So
whatever facts speak of is worked out anew each time: from the facts, and from the newest of what other
events say of it, which `Record.base` keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.subscribers.by_facts import may_be_there, with_facts
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.fact import learn_facts
from worker.subscribers.parts import Part, TagWish, gone, is_there, newer
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart
from worker.subscribers.spoken import Spoken, SpokenNames, spoken_of

T = TypeVar("T")
V = TypeVar("V", TagWish, str | None)


def desired(record: Record, change: Change) -> Change:
    """Return what should be true once a change is made: of all that it names, what stands."""
    facts, asked, spoken = learn_facts(record.facts, change.facts), record.owed.merge(change), Spoken()
    if facts:
        spoken = spoken_of(facts, {*record.gave, *asked.gave})
        if not (record.settled and facts is record.facts and _speaks_of_others(asked, spoken)):
            asked = with_facts(record, asked, facts, spoken, change.anew)
    asked = asked.replacing(record.gave)
    tags = _or_done(asked.tags, record.tags, spoken.tags, change.anew)
    fields = _or_done(asked.fields, record.fields, spoken.fields, change.anew)
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
        first_name=_after(asked.first_name, record.first_name.part if record.first_name else None),
        ensure=asked.ensure if asked.ensure and asked.ensure.order > record.ensured else None,
        address=asked.address,
        creates=asked.creates,
        unsubscribe=_after(asked.unsubscribe, record.unsubscribed),
        first=asked.first,
    )


def said_anew(record: Record, change: Change) -> Change:
    """Return what Kit has by events that are heard anew, as the event has it that says so by now.

    That may be an older one than before, or none: what another event says of it since is newer.
    """
    stands = desired(record, change)
    return Change(
        tags=_by_now(record.tags, stands.tags, change.anew),
        fields=_by_now(record.fields, stands.fields, change.anew),
    )


def _by_now(
    known: Mapping[str, KnownPart[V]], stands: Mapping[str, Part[V]], anew: Collection[OrderKey]
) -> Mapping[str, Part[V]]:
    of_anew = {name: one.part for name, one in known.items() if one.part.order.is_heard_anew(anew)}
    by_now = {name: stands.get(name, Part(part.value, FIRST)) for name, part in of_anew.items()}
    return {name: part for name, part in by_now.items() if _says(part.value) == _says(of_anew[name].value)}


def is_news(record: Record, change: Change) -> bool:
    """Tell whether a change asks for anything beyond what is done, or owed anyway.

    What a slot gave counts even where the tag itself is older: a later gift has to take it off. Where there
    are facts all that is left counts: what they mean may be known already, and not be done.
    """
    if record.moving:
        return True  # nobody knows which address Kit has
    if change.facts and (not record.facts or change.facts[-1].order[:2] > record.facts[-1].order[:2]):
        return True  # nothing that is known is as new, and no copy of it
    if change.ensure is not None and change.ensure.order > record.ensured and record.owed.ensure is None:
        return True  # nor is any event that was applied
    if (change.anew or change.again is not None or change.remedies) and not record.is_blank:
        return True  # what it ends nobody knows before; whatever Kit has answered before, or has by now
    if not change.allows.isdisjoint(record.held):
        return True
    then = left(record, change)
    now = NOTHING if change.facts or record.facts else left(record, NOTHING)
    gave = (_after(part, record.gave.get(key)) for key, part in change.gave.items())
    return (
        may_be_done(record, change)
        or any(now.tags.get(key) != part for key, part in then.tags.items())
        or any(now.fields.get(name) != part for name, part in then.fields.items())
        or (then.first_name, then.ensure, then.unsubscribe) != (now.first_name, now.ensure, now.unsubscribe)
        or any(gave)
        or _after(change.tags_off, record.tags_off) is not None
        or _after(change.fields_off, record.fields_off) is not None
    )


def may_be_done(record: Record, change: Change) -> bool:
    """Tell whether facts that are not known here may have been applied by a worker that could not say so."""
    again = [fact.key for fact in change.facts if fact.again]
    return bool(again) and not {fact.key for fact in record.facts if fact.again}.issuperset(again)


def _speaks_of_others(asked: Change, spoken: Spoken) -> bool:
    """Tell whether a change asks for nothing of which facts speak."""
    tags, fields = spoken.tags.all, spoken.fields.all
    # What is to be off that was there before depends on how old what stands is, not what was told to Kit.
    all_off = asked.tags_off or asked.fields_off
    return not (asked.gave or all_off) and tags.isdisjoint(asked.tags) and fields.isdisjoint(asked.fields)


# -- what is done -----------------------------------------------------------------------------------------


def _or_done(
    parts: Mapping[str, Part[V]],
    known: Mapping[str, KnownPart[V]],
    spoken: SpokenNames,
    anew: Collection[OrderKey],
) -> Mapping[str, Part[V]]:
    """Return the newer of what is asked for and what is done; of what facts speak it is known already.

    What was done by events that are heard anew ends where nobody asks for it any more: as if it had never
    been asked for, so that the same event may ask for it later, at its time.
    """
    if not known:
        return parts
    by_anew = {name for name, one in known.items() if one.part.order.is_heard_anew(anew)} if anew else ()
    ended = {name: known[name].part for name in by_anew if name not in parts and may_be_there(known[name])}
    stand = {
        name: part
        if name in spoken.all or name not in known or name in by_anew
        else known[name].part.newer(part)
        for name, part in parts.items()
    }
    return {**stand, **{name: Part(gone(part.value), FIRST) for name, part in ended.items()}}


def _all_off(
    parts: Mapping[str, Part[V]], known: Mapping[str, KnownPart[V]], off: Part[bool] | None
) -> Mapping[str, Part[V]]:
    """Return the parts, and the end of all that was there before everything was to be off."""
    if off is None:
        return parts
    there = {name: one.part for name, one in known.items() if may_be_there(one)}
    asked = {name: part for name, part in parts.items() if is_there(part.value)}
    before = {
        name: part
        for name, part in {**there, **asked}.items()
        if part.order < off.order and (name in asked or name not in parts)
    }
    stand = {name: part for name, part in parts.items() if name not in before}
    # Also what is not known to be there: a worker may have given it that could not say so any more.
    ended = {name: Part(gone(part.value), off.order) for name, part in before.items()}
    return {**stand, **ended}


def _is_left(part: Part[V], known: KnownPart[V] | None) -> bool:
    """Tell whether Kit is to be told: what is newer, what is otherwise, and what may have been changed."""
    if known is None or not known.is_sure or part.order > known.part.order:
        return True
    return _says(part.value) != _says(known.part.value)


def _after(part: Part[T] | None, other: Part[Any] | None) -> Part[T] | None:
    return part if part is not None and (other is None or part.order > other.order) else None


def _says(value: TagWish | str | None) -> bool | str | None:
    return value.present if isinstance(value, TagWish) else value
