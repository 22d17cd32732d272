"""What a worker would do for an event that it has taken in: which calls to Kit, and what is so then. Pure.

The worker's own functions decide, on copies of what the ledger knows. What Kit would answer follows from whom
it was seen to have; where that is not known, a call says on what it depends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.preview import CallView, call_of
from worker.kit.plan import AddTag, FindSubscriber, RemoveTag, Step, Unsubscribe, Upsert, plan
from worker.ops.foreseen import IF_THE_TAG_IS_THERE, foreseen, is_gone, notices, parts_of
from worker.ops.in_kit import JUST_CREATED, InKit, KitIds, SeenInKit, is_nobody
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind
from worker.subscribers.learning import begin, finish, hold_back, owe, take_for_done
from worker.subscribers.parts import Part, newer
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag
from worker.subscribers.subscriber import Subscriber
from worker.subscribers.tagging_guard import most_taggings

NOBODY_THERE: Final = "Kit has nobody of this address, and the event creates nobody"


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
        newly: The tags that Kit would be told of and has not yet, as far as the ledger knows.
    """

    kind: Kind
    record: Record
    calls: tuple[CallView, ...] = ()
    told: Change = NOTHING
    note: str = ""
    held: tuple[str, ...] = ()
    in_kit: InKit | None = None
    moved: bool = False
    newly: tuple[str, ...] = ()


class _ToDo(NamedTuple):
    """What is left to do of a change.

    Attributes:
        left: Of what Kit would be told.
        steps: Which, in order.
        held: The tags that would be held, by `tag_key`.
    """

    left: Change
    steps: list[Step]
    held: Mapping[str, AddTag]

    @property
    def called(self) -> list[Step]:
        """The steps that are carried out."""
        return [step for step in self.steps if not isinstance(step, AddTag) or step.key not in self.held]


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
    ids: KitIds = field(default_factory=KitIds)
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
        record, moved = subscriber.record, subscriber.record.email != was
        to_do = self._to_do(record, change, here, now)
        if any(notices(step, record, here) for step in to_do.called):
            record.lost()
            to_do = self._to_do(record, change, here, now)
        if is_nobody(here) and to_do.steps and isinstance(to_do.steps[0], FindSubscriber):
            owe(record, change)
            kind, note = _kind(item), ""
            if kind is Kind.APPLIED:
                kind, note = Kind.IGNORED, NOBODY_THERE
            return Rehearsed(kind, record, tuple(moves), note=note, in_kit=here, moved=moved)
        made = list(foreseen(record, to_do.called, here))
        calls = (*moves, *(replace(call_of(record.email, step), only=only) for step, only in made))
        told = merge_all(parts_of(step) for step, _ in made)
        newly = tuple(name for step, _ in made if (name := _new_tag(step, record)))
        held = tuple(step.part.value.name for step in to_do.held.values())
        self._note(record, change, to_do, now)
        return Rehearsed(_kind(item), record, calls, told, "", held, here, moved, newly)

    def _note(self, record: Record, change: Change, to_do: _ToDo, now: float) -> None:
        """Note in a record that all is done but what is held."""
        left, held = to_do.left, to_do.held
        tags = {key: part for key, part in left.tags.items() if key not in held}
        record.note(structs.replace(left, tags=tags, fields={}), now, self.ids.tags)
        record.note(Change(fields=left.fields), now, self.ids.fields)
        record.unsubscribed = newer(record.unsubscribed, left.unsubscribe)
        finish(record, change)
        if held:
            hold_back(record, {key: step.part for key, step in held.items()}, _as_held(held, now))

    def _to_do(self, record: Record, change: Change, here: InKit | None, now: float) -> _ToDo:
        left = self._left(record, change, here, now)
        steps = plan(left, self.account.options, known=record.kit_id is not None)
        return _ToDo(left, steps, self._held(record, change, steps, here, now))

    def _held(
        self, record: Record, change: Change, steps: list[Step], here: InKit | None, now: float
    ) -> dict[str, AddTag]:
        """Return the tags that would be held, by `tag_key`; as `kit.taggings` holds them."""
        if not self.guarded:
            return {}
        guard, option = self.in_hand.taggings, self.account.options.max_new_taggings_per_hour
        room, held = guard.room(now, most_taggings(option, guard.people)), dict[str, AddTag]()
        has = here.tags if here is not None and here.id == record.kit_id else frozenset()
        for step in steps:
            if not isinstance(step, AddTag):
                continue
            agreed = step.part.order in change.agreed
            if step.key in record.held or not (room or agreed):
                held[step.key] = step
            elif not agreed:
                room -= step.key not in has  # what Kit has is no new one
        return held

    def _left(self, record: Record, change: Change, here: InKit | None, now: float) -> Change:
        """Return what of a change Kit would be told, its address apart; as `kit.writer` finds it."""
        begin(record, change)
        left = structs.replace(left_to_do(record, change), address=None)
        left = take_for_done(record, left, change, now)
        tag_id = {key: tag.kit_id for key, tag in record.tags.items()} | {**self.ids.tags}
        # What Kit lacked when it was last looked for may have been made there since.
        tag_id = {key: id_ or JUST_CREATED for key, id_ in tag_id.items()}
        field_id = {name: value.kit_id for name, value in record.fields.items()} | {**self.ids.fields}
        fields_now = here.field_id if here is not None and here.fields is not None else field_id.__getitem__
        known = record.known(left, lambda at: at > self.relied_on, tag_id.__getitem__, fields_now)
        record.confirm(known)
        return left.without(known)

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
        if record.kit_id is None and is_nobody(here) and change.creates is None:
            other = subscriber.joined.get(address.value)
            self.in_hand.moved(subscriber, address, other.record.kit_id if other else None, now)
            return [], there
        if is_gone(record, here):
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


def _new_tag(step: Step, record: Record) -> str:
    """Return which tag a step puts on that is not known to be there; empty where it is no such step."""
    known = record.tags.get(step.key) if isinstance(step, AddTag) else None
    is_there = known is not None and known.part.value.present
    return step.part.value.name if isinstance(step, AddTag) and not is_there else ""


def _as_held(held: Mapping[str, AddTag], now: float) -> dict[str, HeldTag]:
    return {key: HeldTag(step.part.value.name, step.part.order, now) for key, step in held.items()}


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


def _kind(item: Item) -> Kind:
    if item.doubled:
        return Kind.DUPLICATE
    if item.refusal is not None:
        return Kind.DEAD_LETTERED
    return Kind.SCHEDULED if item.waits else Kind.APPLIED
