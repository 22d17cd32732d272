"""What would become of an event now, without anything being done: by the file, by the ledger, and in Kit.

The stages' own functions judge it, on copies of what the ledger knows. Nothing is published, nothing is
written, and Kit is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from worker.accounts.account import Account
from worker.accounts.preview import Preview, preview
from worker.errors import EpochLost, LedgerUnavailable
from worker.events.delivery import Delivery
from worker.events.values import time_text
from worker.kit.access import KitAccess
from worker.ledger.database import Database
from worker.ledger.due import find_due
from worker.ledger.names import names_of
from worker.ledger.person import KnownPerson, moves_lately, tenure_now
from worker.ledger.store import Ledger
from worker.ledger.taggings import taggings_lately
from worker.ledger.takeover import Tenure
from worker.ops.as_read import as_read, is_unread, unless_forgotten
from worker.ops.compared import FieldState, field_rows, tag_rows
from worker.ops.in_kit import InKit, KitIds, SeenInKit
from worker.ops.look_up import look_up
from worker.ops.person import MOST_DUE, AskedKit, ask_kit
from worker.ops.rehearsal import Rehearsal
from worker.ops.tried import NOT_ASKED, OpenSubscription, Tried
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.identity import home_app
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.lifecycle import still_open
from worker.subscribers.parts import tag_key
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

LOOKS: Final = 5
"""At most, while the account changes hands."""


@dataclass(frozen=True, slots=True)
class Trying:
    """Tries events in one account.

    Args:
        account: Which.
        ledger: The workers'; it is only read.
        kit: The way to Kit, which is only asked; None where it is not to be asked now.
        known_ttl: Seconds for which workers rely on Kit's answers.
    """

    account: Account
    ledger: Ledger
    kit: KitAccess | None
    known_ttl: float

    async def event(self, delivery: Delivery) -> Tried:
        """Return what would become of the event in a message.

        Raises:
            LedgerUnavailable: The ledger could not be read.
        """
        found = preview(delivery, self.account)
        tenure = await tenure_now(self.ledger.database, self.account.name)
        home = home_app(self.account.apps) if tenure is None else tenure.home_app
        item = as_read(delivery, self.account, home)
        if is_unread(item):
            gone = await self.ledger.forgotten(self.account.name, item.item.known)
            item = unless_forgotten(item, gone, home)
        if isinstance(item, Outcome):
            reason = None if item.error is None else item.error.reason
            return Tried(found, item.kind, str(item.error or item.note) or found.detail, reason=reason)
        in_hand, taken = await self._taken(item)
        if taken is None or isinstance(taken, Outcome):
            return await self._ended(found, item, taken)
        return await self._news(found, taken, in_hand, tenure)

    # -- as a worker would take it in -----------------------------------------------------------------

    async def _taken(self, item: Item) -> tuple[InHand, Item | Outcome | None]:
        """Return an event as a worker would take it in that has nothing else in hand."""
        for _ in range(LOOKS):
            tenure = await tenure_now(self.ledger.database, self.account.name)
            try:
                return await self._taken_once(item, tenure)
            except EpochLost:
                continue  # it was taken by another one meanwhile
        raise LedgerUnavailable("the account goes from worker to worker")

    async def _taken_once(self, item: Item, tenure: Tenure | None) -> tuple[InHand, Item | Outcome | None]:
        in_hand, now = InHand(), self.ledger.clock.time()
        in_hand.taggings.learn(await taggings_lately(self.ledger.database, self.account.name, now))
        await look_up(in_hand.directory, [item], self.ledger, tenure)
        if item.may_move or item.previous:
            in_hand.moves.learn(await moves_lately(self.ledger.database, self.account.name, now))
        return in_hand, in_hand.take_in(item, now)

    # -- what would come of it ------------------------------------------------------------------------

    async def _ended(self, found: Preview, item: Item, end: Outcome | None) -> Tried:
        """Return what is told of an event of which nothing would be done."""
        if end is None:
            return Tried(found, Kind.SUPERSEDED, "it waits for somebody else's work")
        subscriber = end.item.subscriber
        reason = None if end.error is None else end.error.reason
        told = Tried(found, end.kind, str(end.error or end.note), _time(item), reason=reason)
        if end.kind is Kind.FORGOTTEN or subscriber is None:
            return told
        kit = await self._ask(subscriber.record)
        told = replace(told, kit=kit, asks=frozenset(_names(item.change)))
        return await self._compared(told, subscriber.record)

    async def _news(self, found: Preview, item: Item, in_hand: InHand, tenure: Tenure | None) -> Tried:
        subscriber, change = _subscriber_of(item), item.change
        before = frozenset(_names(change))
        kit, there = await self._seen(subscriber, change)
        seen = SeenInKit(_in_kit(kit), _in_kit(there))
        now = self.ledger.clock.time()
        relied_on = max(now - self.known_ttl, float("inf") if tenure is None else tenure.known_since)
        ids = await kit_ids(self.ledger.database, self.account.name)
        then = Rehearsal(self.account, in_hand, relied_on, ids, guarded=True).carry_out(item, seen, now)
        is_there = seen.there is not None and then.in_kit is seen.there
        return await self._compared(
            Tried(
                found,
                then.kind,
                str(item.refusal or "") or then.note or ("" if item.later is None else item.later.told),
                _time(item),
                kit=there if is_there else kit,
                calls=then.calls,
                asks=before,
                told=frozenset(_names(then.told)),
                reason=None if item.refusal is None else item.refusal.reason,
                moves=then.moved,
                held=then.held,
            ),
            then.record,
        )

    async def _seen(self, subscriber: Subscriber, change: Change) -> tuple[AskedKit, AskedKit]:
        """Return what Kit says of a person, and of whoever has the address that the person is to get."""
        here, address = await self._ask(subscriber.record), change.address
        if address is None or here.problem or not subscriber.moves_by(change):
            return here, NOT_ASKED
        other = subscriber.joined.get(address.value)
        return here, await self._ask(other.record if other else Record(address.value))

    async def _ask(self, record: Record) -> AskedKit:
        known = KnownPerson(frozenset({record.email}), frozenset(record.users), record)
        return await ask_kit(self.account, self.kit, known, record.email)

    async def _compared(self, told: Tried, record: Record) -> Tried:
        opened = still_open(record.facts)
        due = await find_due(
            self.ledger.database, emails={record.email}, account=self.account.name, limit=MOST_DUE
        )
        return replace(
            told,
            email=record.email,
            tags=tag_rows(record, {}, told.kit.person),
            fields=(*_first_name(record, told.kit), *field_rows(record, {}, told.kit.person)),
            open=tuple(map(_open_subscription, opened)),
            due=tuple(due),
        )


def _time(item: Item) -> str:
    return "" if item.event is None else time_text(item.event.time)


def _names(change: Change) -> Iterator[str]:
    """Yield which tags and fields a change speaks of."""
    yield from change.tags
    yield from change.fields
    yield from ("first_name",) if change.first_name is not None else ()
    for fact in change.facts:
        yield from (*fact.tags, *fact.sets, *fact.shows)


async def kit_ids(database: Database, account: str) -> KitIds:
    """Return what names mean in Kit as far as the ledger knows; raises as `names_of` does."""
    names = await names_of(database, account)
    ids = [{one.name: one.kit_id for one in names if one.kind == kind} for kind in ("tags", "custom_fields")]
    return KitIds(*ids)


def _subscriber_of(item: Item) -> Subscriber:
    if item.subscriber is None:
        raise AssertionError("an event that was taken in has a person")
    return item.subscriber


def _in_kit(asked: AskedKit) -> InKit | None:
    """Return whom Kit has, as far as it was asked and has answered."""
    if asked.problem:
        return None
    if asked.person is None:
        return InKit(fields=asked.fields)
    person = asked.person
    tags = frozenset(tag_key(tag.name) for tag in person.tags)
    return InKit(person.id, person.state, tags, asked.fields)


def _open_subscription(fact: Fact) -> OpenSubscription:
    gives = tuple(wish.name for wish in fact.tags.values() if wish.present)
    return OpenSubscription(fact.subscription, time_text(fact.order.time), gives, waits=fact.waits)


def _first_name(record: Record, kit: AskedKit) -> Iterator[FieldState]:
    if record.first_name is None:
        return
    has = None if kit.person is None else kit.person.first_name or None
    yield FieldState("first_name", record.first_name.part.value, in_kit=has)
