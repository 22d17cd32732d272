"""What a worker would make of messages, one after another, and what people would then have.

Nobody is known at first, neither to the ledger nor to Kit, which takes all that it is told. The time is what
whoever runs it says. The stages' own functions decide, and nobody is asked anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Final

from worker.accounts.account import Account
from worker.consumer.due_message import due_again, due_effect
from worker.events.delivery import NEVER, Delivery
from worker.events.event import Event
from worker.ops.as_read import as_read
from worker.ops.in_kit import JUST_CREATED, InKit, SeenInKit
from worker.ops.letters.dry_run import as_delivered
from worker.ops.look_up import NOBODY
from worker.ops.rehearsal import Rehearsal, Rehearsed
from worker.subscribers.change import Change
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.identity import home_app, person_key
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

ALWAYS: Final = float("-inf")
"""From when on Kit's answers are relied on."""
UNSUBSCRIBED: Final = "unsubscribed"


@dataclass(slots=True)
class _Listed:
    """What Kit has of somebody, beside tags and custom fields."""

    state: str
    first_name: str = ""


@dataclass(frozen=True, slots=True)
class HowEnded:
    """How a message ended.

    Attributes:
        kind: As the consumer's metric has it.
        said: Why, for people; empty where there is nothing to say.
        reason: Of a dead letter; empty for all others.
        event: None where it could not be read as one.
    """

    kind: Kind
    said: str = ""
    reason: str = ""
    event: Event | None = None


class Simulation:
    """One account's worker, and its Kit.

    Args:
        account: Whose.

    Attributes:
        now: The moment that it is there.
    """

    def __init__(self, account: Account) -> None:
        self.now = NEVER
        self._account = account
        self._home = home_app(account.apps)
        self._in_hand = InHand()
        self._rehearsal = Rehearsal(account, self._in_hand, ALWAYS)
        self._timers: dict[str, DueEffect] = {}
        self._kit: dict[int, _Listed] = {}
        # Whom Kit goes on having under an address which they have left for somebody else's.
        self._left: dict[str, int] = {}
        self._numbers = count(1)

    # -- what happens ---------------------------------------------------------------------------------

    def waits_until(self, moment: datetime) -> list[HowEnded]:
        """Let time pass, and return how what was due meanwhile ended."""
        ended = []
        while ripe := [each for each in self._timers.values() if each.at <= moment.timestamp()]:
            timer = min(ripe, key=lambda each: (each.at, each.event_time))
            del self._timers[timer.id]
            self.now = max(self.now, datetime.fromtimestamp(timer.at, moment.tzinfo))
            ended.append(self.hears(as_delivered(due_again(self._account.name, timer.message), self.now)))
        self.now = max(self.now, moment)
        return ended

    def hears(self, delivery: Delivery) -> HowEnded:
        """Let a message come, received now by whatever it says, and be done; return how it ended."""
        delivery = _received(delivery, self.now, next(self._numbers))
        read = as_read(delivery, self._account, self._home)
        end = self._taken(read) if isinstance(read, Item) else read
        item = end.item if isinstance(end, Outcome) else end
        heard = _heard_of(end) if isinstance(end, Outcome) else self._done(end)
        if item.subscriber is not None:
            self._in_hand.let_go(item)
        if (timer := due_effect(item)) is not None:
            self._timers[timer.id] = timer
        return heard

    def _taken(self, item: Item) -> Item | Outcome:
        directory = self._in_hand.directory
        while any(unknown := directory.unknown([item])):
            directory.learn(*unknown, NOBODY)
        taken = self._in_hand.take_in(item, self.now.timestamp())
        if taken is None:
            raise AssertionError("an event waits for somebody else's work, and there is none in hand")
        return taken

    def _done(self, item: Item) -> HowEnded:
        subscriber, change = item.subscriber, item.change
        if subscriber is None:
            raise AssertionError("an event that was taken in has a person")
        was = subscriber.record
        seen = SeenInKit(self._in_kit(was), self._there(subscriber, change))
        then = self._rehearsal.carry_out(item, seen, self.now.timestamp())
        if then.moved and was.kit_id is not None and was.kit_id != then.record.kit_id:
            self._leave(was.email, was.kit_id, seen)
        if then.record.kit_id in {None, JUST_CREATED} and not item.waits:
            self._find_or_create(then.record, change)
        self._left = {email: id_ for email, id_ in self._left.items() if id_ != then.record.kit_id}
        self._told(then)
        if then.kind in {Kind.APPLIED, Kind.SCHEDULED}:  # as `consumer.settle` says
            self._in_hand.applied(item)
        reason = "" if item.refusal is None else str(item.refusal.reason)
        later = "" if item.later is None else item.later.told
        return HowEnded(then.kind, str(item.refusal or "") or then.note or later, reason, item.event)

    def _find_or_create(self, record: Record, change: Change) -> None:
        """Give a record Kit's id of whoever is there, or has been created now."""
        if (left := self._left.get(record.email)) is not None:
            record.kit_id = left
        elif change.creates is not None:
            record.kit_id = len(self._kit) + 1
            record.created = True
            self._kit[record.kit_id] = _Listed(change.creates.value)

    def _told(self, then: Rehearsed) -> None:
        """Let Kit have what it was told of somebody, beside tags and custom fields."""
        listed = self._kit.get(then.record.kit_id or 0)
        if listed is None:
            return
        if then.told.unsubscribe is not None:
            listed.state = UNSUBSCRIBED
        if then.told.first_name is not None:
            listed.first_name = then.told.first_name.value
            then.record.created = False  # it has a name by now

    def _leave(self, email: str, kit_id: int, seen: SeenInKit) -> None:
        """Keep who stays in Kit under an old address, and mostly gets no more mail; see `kit.addresses`."""
        self._left[email] = kit_id
        if seen.there is not None and seen.there.state == "active":
            self._kit[kit_id].state = UNSUBSCRIBED

    def _there(self, subscriber: Subscriber, change: Change) -> InKit:
        if change.address is None:
            return InKit()
        other = subscriber.joined.get(change.address.value)
        return self._in_kit(other.record if other else Record(change.address.value))

    def _in_kit(self, record: Record) -> InKit:
        """Return whom Kit has: whomever it was told of, and as it was told."""
        if record.kit_id is None:
            left = self._left.get(record.email)
            return InKit() if left is None else InKit(left, self._kit[left].state)
        tags = frozenset(key for key, tag in record.tags.items() if tag.part.value.present)
        return InKit(record.kit_id, self.state_of(record), tags)

    # -- what is then so ------------------------------------------------------------------------------

    @property
    def due(self) -> list[DueEffect]:
        """What takes effect later, the soonest first."""
        return sorted(self._timers.values(), key=lambda each: (each.at, each.event_time))

    def at(self, email: str) -> Record | None:
        """Return what is known of whoever has an address now; None where nothing is."""
        if any(self._in_hand.directory.unknown([Item(Delivery(b"", ""), email=email)])):
            return None
        return self._in_hand.directory.at(email).record

    def known_by(self, user_id: str, app: str | None) -> Record | None:
        """Return what is known of whoever has an id of the platform's; None where nobody has it."""
        person = self._in_hand.directory.person(person_key(user_id, app, self._home))
        return None if person is None else self.at(person.email)

    def state_of(self, record: Record) -> str:
        """Return in which state Kit has somebody; empty where Kit does not have them."""
        listed = self._kit.get(record.kit_id or 0)
        return "" if listed is None else listed.state

    def first_name_of(self, record: Record) -> str:
        """Return the first name that Kit has of somebody; empty where it has none."""
        listed = self._kit.get(record.kit_id or 0)
        return "" if listed is None else listed.first_name


def _received(delivery: Delivery, now: datetime, number: int) -> Delivery:
    return Delivery(
        delivery.body,
        delivery.routing_key,
        delivery.properties,
        delivery.headers,
        tag=number,
        received_at=now,
        exchange=delivery.exchange,
    )


def _heard_of(end: Outcome) -> HowEnded:
    reason = "" if end.error is None else str(end.error.reason)
    said = end.note or ("" if end.item.later is None else end.item.later.told)
    return HowEnded(end.kind, str(end.error or "") or said, reason, end.item.event)
