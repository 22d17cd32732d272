"""What another file would make of one person's events, beside what the present one makes of them. Pure.

What both make is found as `apply` would do it: the newest events of the person are heard anew, and what is
known of the person stays where none of them speaks of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from worker.accounts.account import Account
from worker.consumer.anew import all_anew, asked_by, read_kept
from worker.events.delivery import Delivery
from worker.events.event import Moment
from worker.kit.plan import plan
from worker.subscribers.change import Change
from worker.subscribers.desired import desired
from worker.subscribers.item import Item
from worker.subscribers.learning import begin
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record

Asked: TypeAlias = tuple[Item, Change | None]
"""An event, and what it asks for; None where it can never be applied."""


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
    """

    gained: Mapping[str, str]
    lost: Mapping[str, str]
    fields: frozenset[str]
    new_taggings: frozenset[str]
    calls: int
    is_wholly_known: bool

    @property
    def is_otherwise(self) -> bool:
        """Whether anything would be otherwise."""
        return bool(self.gained or self.lost or self.fields)


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
        before, after = self._asked(kept)
        asked, anew = all_anew(before), all_anew(after)
        if asked == anew:  # as of most people where a file changes a rule
            return PersonImpact({}, {}, frozenset(), frozenset(), 0, _is_covered(record, anew.anew))
        return _impact(record, _under(record, asked), anew, self.after)

    def _asked(self, kept: Iterable[Delivery]) -> tuple[list[Asked], list[Asked]]:
        """Return the events, each with what it asks for: under the one file, and under the other."""
        items = list(read_kept(kept, self.before, self.home_app))
        before = [(item, asked_by(item, self.before)) for item in items]
        if not self._read_alike:
            return before, [
                (item, asked_by(item, self.after)) for item in read_kept(kept, self.after, self.home_app)
            ]
        after = [
            (item, asked_by(item, self.after) if self._differ(item.known.type) else asks)
            for item, asks in before
        ]
        return before, after

    def _differ(self, kind: str) -> bool:
        return self.before.events.get(kind) != self.after.events.get(kind)


def impact_now(record: Record, kept: Sequence[Delivery], account: Account, home_app: str) -> PersonImpact:
    """Return what a person would have otherwise if the events that are kept were heard anew now.

    Args:
        record: What is known of the person, and stands beside it.
        kept: The events, the oldest first.
        account: By the file in force.
        home_app: Of the account; see `person_key`.
    """
    asked = [(item, asked_by(item, account)) for item in read_kept(kept, account, home_app)]
    done = record.done
    return _impact(record, Change(tags=done.tags, fields=done.fields), all_anew(asked), account)


def _impact(record: Record, old: Change, anew: Change, account: Account) -> PersonImpact:
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


def _is_covered(record: Record, moments: Collection[Moment]) -> bool:
    """Tell whether all that a person has came by events of these moments."""
    orders = [tag.part.order for tag in record.tags.values() if tag.part.value.present]
    orders += [value.part.order for value in record.fields.values() if value.part.value is not None]
    return all(order.moment in moments for order in orders)
