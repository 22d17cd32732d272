"""What another file would make of one person's events, beside what the present one makes of them. Pure.

What both make is found as `apply` would do it: the newest events of the person are heard anew, and what is
known of the person stays where none of them speaks of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from worker.accounts.account import Account
from worker.consumer.anew import all_anew, asked_by, read_kept
from worker.events.delivery import Delivery
from worker.events.event import OrderKey
from worker.kit.plan import plan
from worker.subscribers.change import Change
from worker.subscribers.desired import desired
from worker.subscribers.due_effect import SetTimer
from worker.subscribers.fact import Facts
from worker.subscribers.identity import plain
from worker.subscribers.item import Item
from worker.subscribers.learning import begin
from worker.subscribers.mark import event_name, timer_id
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record

Timers: TypeAlias = Mapping[str, str]
"""What takes effect later, for people, by the ids of its timers."""


@dataclass(frozen=True, slots=True)
class PersonImpact:
    """What one person would have otherwise.

    Attributes:
        gained: The tags that the person would have, and has not under the present file, by `tag_key`.
        lost: Likewise, those that the person would have no more.
        fields: The custom fields whose values would be others.
        new_taggings: Of those gained, the ones that Kit has not yet: each may start an automation.
        calls: To Kit, to bring that about.
        is_wholly_known: Whether all that the person has came by events that are kept.
        due: What would take effect later, and would not now, or not just so.
        due_no_more: What takes effect later now, and would not any more, or not just so.
    """

    gained: Mapping[str, str]
    lost: Mapping[str, str]
    fields: frozenset[str]
    new_taggings: frozenset[str]
    calls: int
    is_wholly_known: bool
    due: Timers = field(default_factory=dict)
    due_no_more: frozenset[str] = frozenset()

    @property
    def is_otherwise(self) -> bool:
        """Whether anything would be otherwise."""
        return bool(self.gained or self.lost or self.fields or self.due or self.due_no_more)


@dataclass(frozen=True, slots=True)
class Files:
    """The account by the present file, and by the other one.

    Attributes:
        home_app: Of the account; see `person_key`.
    """

    before: Account
    after: Account
    home_app: str

    def may_differ(self, kinds: Iterable[str]) -> bool:
        """Tell whether the two could make anything else of events of these types."""
        return not self._read_alike or any(map(self._differ, kinds))

    @property
    def _read_alike(self) -> bool:
        before, after = self.before, self.after
        return (before.fields, before.options, before.apps) == (after.fields, after.options, after.apps)

    def impact_on(self, record: Record, kept: Sequence[Delivery]) -> PersonImpact:
        """Return what a person would have otherwise under the other file.

        Args:
            record: What is known of the person.
            kept: The events that are kept, the oldest first.
        """
        before, after = self._asked(kept, record.facts)
        asked, anew = all_anew(before), all_anew(after)
        had, has = _due(before), _due(after)
        if asked == anew and had == has:  # as of most people where a file changes a rule
            return PersonImpact({}, {}, frozenset(), frozenset(), 0, _is_covered(record, anew.anew))
        return _impact(record, _under(record, asked), anew, self.after, (had, has))

    def _asked(self, kept: Iterable[Delivery], facts: Facts) -> tuple[list[Item | None], list[Item | None]]:
        """Return the events, each with what it asks for: under the one file, and under the other."""
        items = list(read_kept(kept, self.before, self.home_app, facts))
        before = [asked_by(item, self.before) for item in items]
        if not self._read_alike:
            items = list(read_kept(kept, self.after, self.home_app, facts))
            return before, [asked_by(item, self.after) for item in items]
        after = [
            asked_by(item, self.after) if self._differ(item.known.type) else asks
            for item, asks in zip(items, before, strict=True)
        ]
        return before, after

    def _differ(self, kind: str) -> bool:
        return self.before.events.get(kind) != self.after.events.get(kind)


def impact_now(
    record: Record,
    kept: Sequence[Delivery],
    account: Account,
    home_app: str,
    timers: Collection[SetTimer] = (),
) -> PersonImpact:
    """Return what a person would have otherwise if the events that are kept were heard anew now.

    Args:
        record: What is known of the person, and stands beside it.
        kept: The events, the oldest first.
        account: By the file in force.
        home_app: Of the account; see `person_key`.
        timers: Those of the person, also of events that are not kept.
    """
    asked = [asked_by(item, account) for item in read_kept(kept, account, home_app, record.facts)]
    done, heard = record.done, {event_name(item.event) for item in asked if item and item.event}
    had = {timer.id: timer.what for timer in timers if timer.event in heard}
    # What is held stays so until it is let through, which no file that is applied does.
    old = Change(tags={**done.tags, **record.held_tags}, fields=done.fields)
    return _impact(record, old, all_anew(asked), account, (had, _due(asked)))


def _due(asked: Iterable[Item | None]) -> Timers:
    """Return what takes effect later by events, as the ledger tells it."""
    return {
        timer_id(item.event, item.later.at): plain(item.later.what)
        for item in asked
        if item is not None and item.event is not None and item.later is not None
    }


def _impact(
    record: Record, old: Change, anew: Change, account: Account, due: tuple[Timers, Timers]
) -> PersonImpact:
    new = _under(record, anew)
    had, has = _present(old.tags), _present(new.tags)
    gained = {key: name for key, name in has.items() if key not in had}
    lost = {key: name for key, name in had.items() if key not in has}
    fields = frozenset(
        name for name in {**old.fields, **new.fields} if _value(old, name) != _value(new, name)
    )
    to_do = Change(
        tags={key: new.tags[key] for key in (*gained, *lost) if key in new.tags},
        fields={name: new.fields[name] for name in fields if name in new.fields},
    )
    return PersonImpact(
        gained,
        lost,
        fields,
        frozenset(key for key in gained if not _is_there(record, key)),
        len(plan(to_do, account.options, known=True)),
        _is_covered(record, anew.anew),
        {id_: what for id_, what in due[1].items() if due[0].get(id_) != what},
        frozenset(id_ for id_, what in due[0].items() if due[1].get(id_) != what),
    )


def _under(record: Record, change: Change) -> Change:
    """Return the tags and fields that a person should have once a change is made."""
    then = record.copied()
    begin(then, change)
    stands = desired(then, change)
    done = then.done
    return Change(tags={**done.tags, **stands.tags}, fields={**done.fields, **stands.fields})


def _present(tags: Mapping[str, Part[TagWish]]) -> dict[str, str]:
    return {key: part.value.name for key, part in tags.items() if part.value.present}


def _value(change: Change, name: str) -> str | None:
    part = change.fields.get(name)
    return None if part is None else part.value


def _is_there(record: Record, key: str) -> bool:
    tag = record.tags.get(key)
    return tag is not None and tag.part.value.present


def _is_covered(record: Record, events: Collection[OrderKey]) -> bool:
    """Tell whether all that a person has came by events of these places."""
    orders = [tag.part.order for tag in record.tags.values() if tag.part.value.present]
    orders += [value.part.order for value in record.fields.values() if value.part.value is not None]
    return all(order in events for order in orders)
