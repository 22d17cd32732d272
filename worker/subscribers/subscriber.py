"""A subscriber in hand, and what becomes of one who moves to another address. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.drifted import Remedy
from worker.subscribers.fact import learn_facts
from worker.subscribers.parts import Part, newer
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved


class Call(NamedTuple):
    """A call to Kit that was answered 2xx, for the history.

    Attributes:
        what: The event asked for that was part of it.
        rules: Of the event, which asked for it; see `TagWish.rule`.
    """

    endpoint: str
    what: str
    status: int
    rules: tuple[int, ...] = ()


@dataclass(slots=True, eq=False)
class Subscriber:
    """A subscriber in hand; the backlog's key.

    Attributes:
        record: What is known of the subscriber.
        joined: By address, who has the addresses that the subscriber is to get by events in hand.
        left: By such an address, where somebody else went who had it; None where that was the same one.
        asking: By event in hand, the address that it gives the subscriber, where that is another one.
        behind: Addresses that the subscriber has left, at which a worker that was killed may have applied
            what is in hand.
        addresses: That lead to this subscriber.
        events: How many events in hand are about the subscriber.
        is_written: Whether the ledger knows of the subscriber, and who is known by it.
        calls: What was called for which event, until the event is settled.
        looked_at: By what is to be put right, or taken over, why that is not done; empty where it is.
    """

    record: Record
    joined: dict[str, Subscriber] = field(default_factory=dict)
    left: dict[str, Moved | None] = field(default_factory=dict)
    asking: dict[OrderKey, str] = field(default_factory=dict)
    behind: set[str] = field(default_factory=set)
    addresses: set[str] = field(default_factory=set)
    events: int = 0
    is_written: bool = False
    calls: dict[OrderKey, list[Call]] = field(default_factory=dict)
    looked_at: dict[Remedy, str] = field(default_factory=dict)

    def moves_by(self, change: Change) -> bool:
        """Tell whether a change gives the subscriber another address than Kit has."""
        address, record = change.address, self.record
        return (
            address is not None and address.value != record.email and address.order > (record.placed or FIRST)
        )


def merged(old: Record, other: Record, address: Part[str], kit_id: int | None) -> Record:
    """Return the record of a person who moved from one address to another.

    Args:
        old: What is known under the old address.
        other: What is known under the new one.
        address: The new one.
        kit_id: Of the subscriber who has the new address now; None where there is none yet.
    """
    kept, lost = _kept_and_lost(old, other, kit_id)
    gave = Change(gave=old.gave).merge(Change(gave=other.gave))
    # What an entry gave to both, it has given to one person now, of which only the newest may stay.
    taken_off = replace(gave.replacing(), gave={}) if old.gave and other.gave else NOTHING
    owed = merge_all([old.owed, other.owed, *(replace(each.done, ensure=None) for each in lost), taken_off])
    # What named the old address, even lately, says nothing about this one.
    users = {user: max(other.users.get(user, FIRST), address.order) for user in old.users}
    return replace(
        kept,
        email=address.value,
        kit_id=kit_id,
        ensured=max(old.ensured, other.ensured),
        gave=gave.gave,
        seen={**other.seen, **old.seen},
        users={**other.users, **users},
        owed=owed,
        moved=None,
        facts=learn_facts(other.facts, old.facts),
        settled=False,
        base=merge_all([old.base, other.base]),
        tags_off=newer(old.tags_off, other.tags_off),
        fields_off=newer(old.fields_off, other.fields_off),
        unsubscribed=kept.unsubscribed,
        held={**other.held, **old.held},
    )


def _kept_and_lost(old: Record, other: Record, kit_id: int | None) -> tuple[Record, tuple[Record, ...]]:
    """Return what Kit's subscriber at the new address has, and the records of those who are not that one."""
    if kit_id is not None and kit_id == old.kit_id:
        return old, (other,)
    if kit_id == other.kit_id:
        return other, (old,)
    return Record(other.email), (old, other)
