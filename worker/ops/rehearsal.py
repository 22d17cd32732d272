"""What a worker would do for an event that it has taken in: which calls to Kit, and what is so then. Pure.

The worker's own functions decide, on copies of what the ledger knows. What Kit would answer follows from whom
it was seen to have; where that is not known, a call says on what it depends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.preview import CallView, call_of
from worker.kit.plan import AddTag, FindSubscriber, NameIfCreated, RemoveTag, Step, Unsubscribe, Upsert, plan
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind
from worker.subscribers.learning import begin, finish, hold_back, owe
from worker.subscribers.parts import Part
from worker.subscribers.record import HeldTag, Record
from worker.subscribers.subscriber import Subscriber
from worker.subscribers.tagging_guard import most_taggings

NOBODY_THERE: Final = "Kit has nobody of this address, and the event creates nobody"
JUST_CREATED: Final = -1
"""Stands for Kit's id of somebody who would have been created."""
IF_THE_TAG_IS_THERE: Final = "where Kit has that tag"
IF_A_FIELD_IS_THERE: Final = "where Kit has one of these fields"


@dataclass(frozen=True, slots=True)
class InKit:
    """Whom Kit has under an address.

    Attributes:
        id: Kit's; None where it has nobody.
        state: Such as `active`.
        tags: By `tag_key`, those of the person.
        fields: The ids of the account's custom fields by key and label; None where they were not read.
    """

    id: int | None = None
    state: str = ""
    tags: frozenset[str] = frozenset()
    fields: Mapping[str, int] | None = None

    def field_id(self, name: str) -> int:
        """Return the id of a custom field by its name in the account's file; 0 where Kit lacks it."""
        fields = self.fields or {}
        return fields.get(name) or fields.get(name.lower(), 0)


@dataclass(frozen=True, slots=True)
class KitIds:
    """What names in the account's file mean in Kit, as far as the ledger knows.

    Attributes:
        tags: By `tag_key`.
        fields: By name.
    """

    tags: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenInKit:
    """Whom Kit has; None where that is not known.

    Attributes:
        here: Under Kit's id of the person, or else the address.
        there: Under the address that the person is to get.
    """

    here: InKit | None = None
    there: InKit | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a worker would have done.

    Attributes:
        kind: How the event would end.
        record: Of its person, as it would be then.
        calls: To Kit, in order; those that only look something up apart.
        told: Of all that the event and what is owed ask for, what Kit would be told.
        note: Why nothing could be done; empty where something could.
        held: The tags that would be held, as too many were newly put on within the last hour.
        in_kit: Whom Kit has as the person by then; None where that is not known.
        moved: Whether the person has another address then.
    """

    kind: Kind
    record: Record
    calls: tuple[CallView, ...] = ()
    told: Change = NOTHING
    note: str = ""
    held: tuple[str, ...] = ()
    in_kit: InKit | None = None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Carries events out on records alone.

    Args:
        account: In which.
        in_hand: What is known of the people; it has taken the events in.
        relied_on: From when on Kit's answers are relied on, in seconds since 1970.
        ids: What names mean in Kit.
        guarded: Whether new tags beyond the account's limit are held, as `in_hand` knows how many there were.
    """

    account: Account
    in_hand: InHand
    relied_on: float
    ids: KitIds = KitIds()
    guarded: bool = False

    def carry_out(self, item: Item, seen: SeenInKit, now: float) -> Rehearsed:
        """Return what a worker would do for an event, and leave its person's record as it would then be.

        Args:
            item: The event, as `InHand.take_in` has given it.
            seen: Whom Kit has.
            now: Seconds since 1970.
        """
        subscriber, change = item.subscriber, item.change
        if subscriber is None:
            raise AssertionError("an event that was taken in has a person")
        was = subscriber.record.email
        moves, here = self._move(subscriber, change, seen, now)
        record = subscriber.record
        moved = record.email != was
        to_do = self._left(record, change, here)
        steps = self._steps(to_do, record)
        held = self._held(record, steps, here, now)
        if (
            here is not None
            and record.kit_id not in {None, here.id}
            and any(_notices(step, record, here) for step in _called(steps, held))
        ):
            record.lost()
            to_do = self._left(record, change, here)
            steps = self._steps(to_do, record)
            held = self._held(record, steps, here, now)
        if _is_nobody(here) and steps and isinstance(steps[0], FindSubscriber):
            owe(record, change)
            kind = _kind(item)
            if kind is Kind.APPLIED:
                calls = tuple(moves)
                return Rehearsed(Kind.IGNORED, record, calls, note=NOBODY_THERE, in_kit=here, moved=moved)
            return Rehearsed(kind, record, tuple(moves), in_kit=here, moved=moved)
        tags = {key: part for key, part in to_do.tags.items() if key not in held}
        to_do = structs.replace(to_do, tags=tags)
        made = list(_made(record, _called(steps, held), here))
        calls = (*moves, *(replace(call_of(record.email, step), only=only) for step, only in made))
        told = merge_all(_parts(step) for step, _ in made)
        record.note(structs.replace(to_do, fields={}), now, self.ids.tags)
        record.note(Change(fields=to_do.fields), now, self.ids.fields)
        finish(record, change)
        if held:
            hold_back(record, {key: step.part for key, step in held.items()}, _as_held(held, now))
        names = tuple(step.part.value.name for step in held.values())
        return Rehearsed(_kind(item), record, calls, told, held=names, in_kit=here, moved=moved)

    def _held(self, record: Record, steps: list[Step], here: InKit | None, now: float) -> dict[str, AddTag]:
        """Return the tags that would be held, by `tag_key`; as `kit.taggings` holds them."""
        if not self.guarded:
            return {}
        guard, option = self.in_hand.taggings, self.account.options.max_new_taggings_per_hour
        room, held = guard.room(now, most_taggings(option, guard.people)), dict[str, AddTag]()
        has = here.tags if here is not None and here.id == record.kit_id else frozenset()
        for step in steps:
            if not isinstance(step, AddTag):
                continue
            if step.key in record.held or not room:
                held[step.key] = step
            else:
                room -= step.key not in has  # what Kit has is no new one
        return held

    def _left(self, record: Record, change: Change, here: InKit | None) -> Change:
        """Return what of a change Kit would be told, its address apart; as `kit.writer` finds it."""
        begin(record, change)
        left = structs.replace(left_to_do(record, change), address=None)
        tag_id = {key: tag.kit_id for key, tag in record.tags.items()} | {**self.ids.tags}
        # What Kit lacked when it was last looked for may have been made there since.
        tag_id = {key: id_ or JUST_CREATED for key, id_ in tag_id.items()}
        field_id = {name: value.kit_id for name, value in record.fields.items()} | {**self.ids.fields}
        fields_now = here.field_id if here is not None and here.fields is not None else field_id.__getitem__
        known = record.known(left, lambda at: at > self.relied_on, tag_id.__getitem__, fields_now)
        record.confirm(known)
        return left.without(known)

    def _steps(self, to_do: Change, record: Record) -> list[Step]:
        return plan(to_do, self.account.options, known=record.kit_id is not None)

    # -- another address ------------------------------------------------------------------------------

    def _move(
        self, subscriber: Subscriber, change: Change, seen: SeenInKit, now: float
    ) -> tuple[list[CallView], InKit | None]:
        """Give the subscriber the address that is asked for; return the calls, and whom Kit has there then.

        As `kit.addresses` makes the move.
        """
        record, address = subscriber.record, change.address
        if address is None or not subscriber.moves_by(change):
            return ([_given(record.email, "keep")] if record.moving else []), seen.here
        here, there = seen.here, seen.there
        if record.kit_id is None and _is_nobody(here) and change.creates is None:
            other = subscriber.joined.get(address.value)
            self.in_hand.moved(subscriber, address, other.record.kit_id if other else None, now)
            return [], there
        if here is not None and record.kit_id not in {None, here.id}:
            self.in_hand.moved(subscriber, address, None, now)  # Kit has the person no more
            return [], there
        calls = _at_old_address(record, change)
        if here is not None and here.id is None:
            here = replace(here, id=JUST_CREATED)
        kit_id = record.kit_id or (JUST_CREATED if here is None else here.id)
        if there is not None and there.id not in {None, kit_id}:
            calls += _to_who_is_there(record, address, change, there)
            self.in_hand.moved(subscriber, address, there.id, now)
            return calls, there
        self.in_hand.moved(subscriber, address, kit_id, now)
        return [*calls, _given(address.value, "change the address to")], here


def _as_held(held: Mapping[str, AddTag], now: float) -> dict[str, HeldTag]:
    return {key: HeldTag(step.part.value.name, step.part.order, now) for key, step in held.items()}


def _called(steps: list[Step], held: Mapping[str, AddTag]) -> list[Step]:
    """Return the steps that are carried out."""
    return [step for step in steps if not isinstance(step, AddTag) or step.key not in held]


def _is_nobody(seen: InKit | None) -> bool:
    """Tell whether Kit surely has nobody there."""
    return seen is not None and seen.id is None


def _given(email: str, what: str) -> CallView:
    return CallView("PUT /v4/subscribers/{id}", f"{what} {email}", {"email_address": email})


def _at_old_address(record: Record, change: Change) -> list[CallView]:
    """Return the call by which Kit's id of whoever has the old address is found out, if need be."""
    if record.kit_id is not None or change.creates is None:
        return []
    step = Upsert({}, ensure=change.creates.order, state=change.creates.value)
    return [replace(call_of(record.email, step), only="")]


def _to_who_is_there(record: Record, address: Part[str], change: Change, there: InKit) -> list[CallView]:
    """Return the calls by which a person becomes the subscriber who has the new address already."""
    step = Upsert({}, ensure=address.order, state=change.creates.value if change.creates else "")
    calls = [replace(call_of(address.value, step), only="")]
    for key, part in {**change.asked_tags, **record.maybe_tags}.items():
        call = call_of(record.email, RemoveTag(key, Part(part.value, address.order)))
        calls.append(replace(call, only=IF_THE_TAG_IS_THERE))
    if there.state == "active":
        calls.append(call_of(record.email, Unsubscribe(Part(value=True, order=address.order))))
    return calls


# -- steps -------------------------------------------------------------------------------------------------


def _notices(step: Step, record: Record, here: InKit) -> bool:
    """Tell whether Kit's answer shows that it has the subscriber no more; to take a tag off does not."""
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


def _made(record: Record, steps: list[Step], here: InKit | None) -> Iterator[tuple[Step, str]]:
    """Yield the steps for which a call is made, each with where only; empty where always."""
    is_new = record.kit_id is None and _is_nobody(here)
    is_gone = here is not None and record.kit_id not in {None, here.id}
    for step in steps:
        match step:
            case RemoveTag(key=key) if not is_new:  # whom Kit has just created has none
                is_there = here is not None and key in here.tags and not _was_lacking(record, key)
                yield step, "" if is_there else _unless_new(step, record, here) or IF_THE_TAG_IS_THERE
            case NameIfCreated() if record.created or is_new:
                yield step, ""
            case NameIfCreated() if here is None and record.kit_id is None:
                yield step, _unless_new(step, record, here)
            case Unsubscribe() if not is_gone:  # whom Kit has no more gets no mail either
                yield step, ""
            case Upsert():
                yield from _writing(step, here)
            case AddTag():
                yield step, ""


def _unless_new(step: Step, record: Record, here: InKit | None) -> str:
    """Return on what a call depends where nobody knows whether the person is new to Kit."""
    return call_of(record.email, step).only if here is None and record.kit_id is None else ""


def _parts(step: Step) -> Change:
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


def _kind(item: Item) -> Kind:
    if item.doubled:
        return Kind.DUPLICATE
    if item.refusal is not None:
        return Kind.DEAD_LETTERED
    return Kind.SCHEDULED if item.waits else Kind.APPLIED
