"""What is known of one subscriber: what Kit was told, when, and by which events. Pure.

The ledger keeps a `Record` per account and subscriber. Its parts are the same last-writer-wins registers as
those of a `Change`, so an event of any age is compared with it as events are compared with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from worker.events.event import FIRST, OrderKey
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.fact import NO_FACTS, Facts
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record_parts import UNKNOWN, HeldTag, KnownPart, Moved, doubted

T = TypeVar("T")

MAX_SEEN: Final = 64
"""Event ids that are kept for a subscriber. An older duplicate is still caught by its order key."""


def _but_of(events: Collection[OrderKey], parts: Mapping[str, Part[T]]) -> Mapping[str, Part[T]]:
    return {name: part for name, part in parts.items() if not part.order.is_heard_anew(events)}


class Record(Struct, eq=False):
    """One subscriber of one account.

    Attributes:
        email: The address that Kit has, as far as is known.
        kit_id: Kit's id; None where it is not known, or gone.
        tags: By `tag_key`.
        fields: By the admin's name for the custom field.
        ensured: The newest event that was applied.
        gave: What replacing entries gave; see `Change.gave`.
        seen: The last events applied, as `event_mark` tells them apart, the oldest first.
        users: By the key of a person, the newest event that may say so and said that this is the address;
            `FIRST` where none did.
        owed: What should be true in Kit, by events that are done, and is not: Kit lost the subscriber, or
            the tags of another one are to move here.
        placed: The newest event that may say so and said, of whichever person, that this is the address;
            None where none did.
        moved: Where the person of this address went.
        created: True where we created the subscriber, and have not named it since.
        asked: True where a call that may have created the subscriber was not answered yet.
        facts: The openings and closings of subscriptions.
        settled: True where Kit has all that the facts mean.
        base: What other events say of the tags and custom fields of which the facts speak; see `desired`.
        tags_off: The newest event after which no tag of before is left.
        fields_off: Likewise, of custom fields.
        unsubscribed: The newest event for whose sake Kit sends no more mail.
        moving: True where a call that gives the subscriber another address was not answered yet.
        held: By `tag_key`, the tags that are held because too many were asked for; see `TaggingGuard`.
    """

    email: str
    kit_id: int | None = None
    tags: dict[str, KnownPart[TagWish]] = field(default_factory=dict)
    fields: dict[str, KnownPart[str | None]] = field(default_factory=dict)
    first_name: KnownPart[str] | None = None
    ensured: OrderKey = FIRST
    gave: Mapping[str, Part[TagWish]] = field(default_factory=dict)
    seen: dict[str, None] = field(default_factory=dict)
    users: dict[str, OrderKey] = field(default_factory=dict)
    owed: Change = NOTHING
    placed: OrderKey | None = None
    moved: Moved | None = None
    created: bool = False
    asked: bool = False
    facts: Facts = NO_FACTS
    settled: bool = False
    base: Change = NOTHING
    tags_off: Part[bool] | None = None
    fields_off: Part[bool] | None = None
    unsubscribed: Part[bool] | None = None
    moving: bool = False
    held: Mapping[str, HeldTag] = field(default_factory=dict)

    @property
    def is_left(self) -> bool:
        """Whether the person of this address went, and nobody else has it."""
        return self.moved is not None and not self.users and self.kit_id is None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is known of the address, not even that somebody had it."""
        of_events = self.users, self.seen, self.tags, self.fields, self.owed, self.facts
        return not any((self.kit_id, self.moved, self.asked, *of_events)) and self.ensured == FIRST

    @property
    def ended(self) -> OrderKey | None:
        """Of a person who was to be there, since when everything is off; None where more was asked since."""
        off = self.tags_off
        return None if off is None or self.ensured == FIRST or off.order < self.ensured else off.order

    @property
    def done(self) -> Change:
        """What is true of the subscriber, by Kit's own answers."""
        return Change(
            tags={key: tag.part for key, tag in self.tags.items() if tag.part.order != FIRST},
            fields={name: value.part for name, value in self.fields.items() if value.part.order != FIRST},
            first_name=self.first_name.part if self.first_name else None,
            ensure=Part(value=True, order=self.ensured) if self.ensured != FIRST else None,
        )

    @property
    def held_tags(self) -> dict[str, Part[TagWish]]:
        """The tags that should be there, and are held."""
        return {key: self.owed.tags[key] for key in self.held if key in self.owed.tags}

    @property
    def maybe_tags(self) -> dict[str, Part[TagWish]]:
        """The tags that the subscriber has, or may have by a call whose answer never came."""
        return {key: tag.part for key, tag in self.tags.items() if tag.part.value.present or not tag.is_sure}

    def copied(self) -> Record:
        """Return the record as it is now."""
        return replace(
            self, tags=dict(self.tags), fields=dict(self.fields), seen=dict(self.seen), users=dict(self.users)
        )

    # -- noting what Kit answered ---------------------------------------------------------------------

    def doubt(self, parts: Change) -> None:
        """Note that a call for these parts is about to be sent: until it is answered, nobody knows.

        Where no answer comes, the call may have landed all the same, so what was known before is void. What
        was not known is noted as if nobody had asked for it, so that it can be taken back.
        """
        for key, tag in parts.tags.items():
            self.tags[key] = doubted(self.tags.get(key), tag)
        for name, value in parts.fields.items():
            self.fields[name] = doubted(self.fields.get(name), value)
        if parts.first_name is not None and self.first_name is not None:
            self.first_name = replace(self.first_name, at=UNKNOWN)

    def doubt_known(self, tags: Iterable[str], fields: Iterable[str]) -> None:
        """Note that these may not be as they were any more; what is not known stays unknown."""
        for key in self.tags.keys() & set(tags):
            self.tags[key] = replace(self.tags[key], at=UNKNOWN)
        for name in self.fields.keys() & set(fields):
            self.fields[name] = replace(self.fields[name], at=UNKNOWN)

    def outdate(self) -> None:
        """Note that more may be done than is known: of what facts speak is made sure with the next fact."""
        self.facts = tuple(replace(fact, again=True) for fact in self.facts)
        self.tags = {key: tag.outdated() for key, tag in self.tags.items()}
        self.fields = {name: value.outdated() for name, value in self.fields.items()}

    def owe_again(self, since: float) -> None:
        """Note that Kit is to be told all once more, but for what it has answered since a moment.

        Each part goes on being of the event that set it, so that it comes before nothing newer.

        Args:
            since: In seconds since 1970.
        """
        self.owed = replace(self.owed.merge(self.done), ensure=None)
        self.doubt_known(
            [key for key, tag in self.tags.items() if tag.at < since],
            [name for name, value in self.fields.items() if value.at < since],
        )
        if self.first_name is not None and self.first_name.at < since:
            self.first_name = None
        self.settled = False

    def unlearn(self, events: Collection[OrderKey]) -> None:
        """Drop what events of these places said, as they are heard anew; what Kit has of it stays known."""
        self.facts = tuple(fact for fact in self.facts if fact.order not in events)
        self.gave = _but_of(events, self.gave)
        base, owed = self.base, self.owed
        self.base = replace(base, tags=_but_of(events, base.tags), fields=_but_of(events, base.fields))
        self.owed = replace(owed, tags=_but_of(events, owed.tags), fields=_but_of(events, owed.fields))
        if self.tags_off is not None and self.tags_off.order.is_heard_anew(events):
            self.tags_off = None
        if self.fields_off is not None and self.fields_off.order.is_heard_anew(events):
            self.fields_off = None
        self.settled = False

    def note(self, done: Change, at: float, kit_ids: Mapping[str, int]) -> None:
        """Note parts that Kit has just answered 2xx.

        Args:
            done: The parts.
            at: Seconds since 1970.
            kit_ids: Of their tags and custom fields, by the keys of the parts.
        """
        for key, tag in done.tags.items():
            self.tags[key] = KnownPart(tag, at, kit_ids.get(key, 0))
        for name, value in done.fields.items():
            self.fields[name] = KnownPart(value, at, kit_ids.get(name, 0))
        if done.first_name is not None:
            self.first_name = KnownPart(done.first_name, at)

    def confirm(self, known: Change) -> None:
        """Note parts that Kit has already, by an earlier answer, which keeps its age."""
        for key, tag in known.tags.items():
            self.tags[key] = replace(self.tags[key], part=tag)
        for name, value in known.fields.items():
            self.fields[name] = replace(self.fields[name], part=value)
        if known.first_name is not None and self.first_name is not None:
            self.first_name = replace(self.first_name, part=known.first_name)

    def see(self, *marks: str) -> None:
        """Remember applied events."""
        self.seen |= dict.fromkeys(marks)
        while len(self.seen) > MAX_SEEN:
            del self.seen[next(iter(self.seen))]

    def lost(self) -> None:
        """Note that Kit no longer has the subscriber: everything is owed."""
        self.owed = replace(self.owed.merge(self.done), ensure=None)
        self.kit_id, self.first_name, self.created, self.asked = None, None, False, False
        self.tags, self.fields, self.settled = {}, {}, False

    def has_answers_since(self, moment: float) -> bool:
        """Tell whether Kit has answered for any part since then, in seconds since 1970."""
        times = [tag.at for tag in self.tags.values()] + [value.at for value in self.fields.values()]
        return any(at > moment for at in (*times, self.first_name.at if self.first_name else UNKNOWN))

    # -- what need not be sent ------------------------------------------------------------------------

    def known(
        self,
        left: Change,
        fresh: Callable[[float], bool],
        tag_id: Callable[[str], int],
        field_id: Callable[[str], int],
    ) -> Change:
        """Return those parts of `left` that Kit has already, by an answer that is fresh enough.

        Args:
            left: What is to be done.
            fresh: Tells whether an answer of that moment, in seconds since 1970, may still be relied on.
            tag_id: Returns the id that a tag, by its `tag_key`, has now.
            field_id: Likewise, a custom field by its name.
        """
        tags = {
            key: part
            for key, part in left.tags.items()
            if (tag := self.tags.get(key)) is not None
            and tag.part.value.present == part.value.present
            and fresh(tag.at)
            and tag.kit_id == tag_id(key)
        }
        fields = {
            name: part
            for name, part in left.fields.items()
            if (value := self.fields.get(name)) is not None
            and value.part.value == part.value
            and fresh(value.at)
            and value.kit_id == field_id(name)
        }
        name = self.first_name
        same = left.first_name and name and name.part.value == left.first_name.value and fresh(name.at)
        return Change(tags=tags, fields=fields, first_name=left.first_name if same else None)
