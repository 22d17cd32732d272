"""What a record learns from a change: facts, and what other events say of the same. Pure.

What is true in Kit is noted elsewhere, by Kit's answers: `Record.note`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from worker.subscribers.change import NO_EVENTS, NOTHING, Change, parts_of
from worker.subscribers.desired import may_be_done, said_anew
from worker.subscribers.fact import NO_FACTS, learn_facts
from worker.subscribers.lifecycle import derive, still_open
from worker.subscribers.parts import Part, TagWish, merge_parts, newer
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag
from worker.subscribers.spoken import done_otherwise, not_of, spoken_of

MAX_FACTS: Final = 32
"""Of one record. Beyond it, the older half is taken for granted: an event older than that may come too late
to change what the others mean."""


def begin(record: Record, change: Change) -> None:
    """Note in a record what a change knows, before anything of it is done: what is done may come from that.

    What other events say of the same is kept, before Kit is told otherwise.
    """
    if change.again is not None:
        record.owe_again(change.again)
    if change.anew:
        record.unlearn(change.anew)
    record.gave = merge_parts(record.gave, change.gave)
    if not change.facts:
        return
    doubtful = may_be_done(record, change)
    record.settled = False
    record.facts = learn_facts(record.facts, change.facts)
    spoken = spoken_of(record.facts, record.gave)
    if doubtful:
        record.doubt_known(spoken.tags.all, spoken.fields.all)
    done = Change(
        tags=done_otherwise(spoken.tags, record.tags, change.anew),
        fields=done_otherwise(spoken.fields, record.fields, change.anew),
    )
    _keep(record, done)


def learn(record: Record, change: Change) -> None:
    """Note in a record what a change says, whatever of it stands; what is true in Kit is noted elsewhere."""
    if (facts := learn_facts(record.facts, change.facts)) is not record.facts:
        record.facts, record.settled = facts, False
    record.gave = merge_parts(record.gave, change.gave)
    record.tags_off = newer(record.tags_off, change.tags_off)
    record.fields_off = newer(record.fields_off, change.fields_off)
    if len(record.facts) > MAX_FACTS:
        _take_for_granted(record)
    if record.facts:
        spoken = spoken_of(record.facts, record.gave)
        others = not_of(spoken.tags, change.tags), not_of(spoken.fields, change.fields)
        _keep(record, Change(*others))


def _keep(record: Record, others: Change) -> None:
    if others:
        record.base = record.base.merge(others)


def take_for_done(record: Record, left: Change, change: Change, at: float) -> Change:
    """Note what is left of events of which Kit has all already, and return what is left of others.

    Args:
        record: Whose.
        left: What Kit would be told.
        change: By all events, of which some are known to be so.
        at: Now, in seconds since 1970.
    """
    if not change.known:
        return left
    # By known events alone all is so that follows from them and those before, but for what is owed.
    there = left.without(record.owed) if change.is_known else parts_of(left, change.known)
    record.note(there, at, {})
    record.unsubscribed = newer(record.unsubscribed, there.unsubscribe)
    return left.without(there)


def finish(record: Record, change: Change) -> None:
    """Note in a record that all of a change, and all that was owed, is true in Kit."""
    if change.anew:
        record.confirm(said_anew(record, change))
    learn(record, record.owed.merge(change))
    record.settled = True
    if change.ensure is not None:
        record.ensured = max(record.ensured, change.ensure.order)
    record.owed, record.held = NOTHING, {}


def hold_back(record: Record, tags: Mapping[str, Part[TagWish]], held: Mapping[str, HeldTag]) -> None:
    """Note in a record, whose change is finished otherwise, which tags are held: they are owed.

    Args:
        record: Whose.
        tags: By `tag_key`, those that are held.
        held: What is known of each.
    """
    record.owed = record.owed.merge(Change(tags=tags))
    record.held = {key: replace(held[key], order=part.order) for key, part in tags.items()}
    record.settled = False  # else a newer event would not see that something is left


def owe(record: Record, change: Change) -> None:
    """Note in a record that all of a change is to be done, and cannot be yet: Kit has nobody to do it to."""
    learn(record, change)
    owed = record.owed.merge(change)
    record.owed = replace(
        owed,
        ensure=None,
        address=None,
        creates=None,
        facts=NO_FACTS,
        again=None,
        allows=frozenset(),
        agreed=NO_EVENTS,
        known=NO_EVENTS,
        remedies=frozenset(),
    )


def _take_for_granted(record: Record) -> None:
    """Let the oldest facts go, and keep what of them stands as any event's; open subscriptions stay open."""
    older, newer_half = record.facts[: -MAX_FACTS // 2], record.facts[-MAX_FACTS // 2 :]
    kept = still_open(older)[-MAX_FACTS // 2 :]
    gone = {fact.order[:2] for fact in older} - {fact.order[:2] for fact in kept}
    stands = derive(record.facts).change
    record.base = record.base.merge(
        Change(
            tags={key: part for key, part in stands.tags.items() if part.order[:2] in gone},
            fields={name: part for name, part in stands.fields.items() if part.order[:2] in gone},
        )
    )
    record.gave = merge_parts(
        record.gave, {key: part for key, part in stands.gave.items() if part.order[:2] in gone}
    )
    for name in ("tags_off", "fields_off"):
        if (part := getattr(stands, name)) is not None and part.order[:2] in gone:
            setattr(record, name, newer(getattr(record, name), part))
    record.facts = (*kept, *newer_half)
