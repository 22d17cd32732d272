"""What would become of an event now, without anything being done: by the file, by the ledger, and in Kit.

The stages' own functions judge it, on copies of what the ledger knows. Nothing is published, nothing is
written, and Kit is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.preview import CallView, Preview, call_of, preview
from worker.accounts.whom import naming_whom
from worker.consumer.interpreting import interpreted
from worker.errors import EpochLost, EventError, LedgerUnavailable
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import FIRST, arrival_of
from worker.events.values import time_text
from worker.kit.access import KitAccess
from worker.kit.plan import plan
from worker.ledger.person import KnownPerson, tenure_now
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.ops.compared import FieldState, TagState, field_rows, tag_rows
from worker.ops.look_up import look_up
from worker.ops.person import AskedKit, ask_kit
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.identity import home_app
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.learning import begin, finish
from worker.subscribers.record import Record

LOOKS: Final = 5
"""At most, while the account changes hands."""
NOT_ASKED: Final = AskedKit()


@dataclass(frozen=True, slots=True)
class Tried:
    """What would become of an event now.

    Attributes:
        preview: What the account's file makes of it.
        kind: How it would end; applied where it is news.
        detail: Why, for people; empty where that needs no reason.
        event_time: When it happened, ISO 8601; empty where that cannot be read.
        email: Under which its person would be known then; empty where nobody could be told.
        kit: What Kit says of that person now.
        tags: The person's tags as they would be then, beside what Kit has now.
        fields: Likewise, custom fields.
        calls: To Kit, that would be made.
        asks: The tags and fields that the event speaks of, by `tag_key` and name.
        told: Of all, those of which Kit would be told.
    """

    preview: Preview
    kind: Kind
    detail: str = ""
    event_time: str = ""
    email: str = ""
    kit: AskedKit = NOT_ASKED
    tags: tuple[TagState, ...] = ()
    fields: tuple[FieldState, ...] = ()
    calls: tuple[CallView, ...] = ()
    asks: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()


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
        found, tenure = (
            preview(delivery, self.account),
            await tenure_now(self.ledger.database, self.account.name),
        )
        try:
            item = self._read(delivery, tenure)
        except EventError as error:
            return Tried(found, Kind.DEAD_LETTERED, str(error))
        if isinstance(item, Outcome):
            return Tried(found, item.kind, item.note or found.detail)
        taken = await self._taken(item)
        if taken is None or isinstance(taken, Outcome):
            return await self._ended(found, item, taken)
        return await self._news(found, taken, tenure)

    # -- as a worker would take it in -----------------------------------------------------------------

    def _read(self, delivery: Delivery, tenure: Tenure | None) -> Item | Outcome:
        """Return an event with what it asks for; as `consumer.intake` reads it."""
        account, now = self.account, round(self.ledger.clock.time() * 1000)
        event = decode(delivery, arrival=arrival_of(now, 0), apps=account.apps, types=account.types)
        home = home_app(account.apps) if tenure is None else tenure.home_app
        item = naming_whom(Item(delivery, event), event, account.options, home)
        try:
            return interpreted(item, account)
        except EventError as error:
            if not item.email:
                raise
            return structs.replace(item, change=NOTHING, refusal=error, later=None)

    async def _taken(self, item: Item) -> Item | Outcome | None:
        """Return an event as a worker would take it in that has nothing else in hand."""
        for _ in range(LOOKS):
            tenure = await tenure_now(self.ledger.database, self.account.name)
            try:
                return await self._taken_once(item, tenure)
            except EpochLost:
                continue  # it was taken by another one meanwhile
        raise LedgerUnavailable("the account goes from worker to worker")

    async def _taken_once(self, item: Item, tenure: Tenure | None) -> Item | Outcome | None:
        in_hand = InHand()
        await look_up(in_hand.directory, [item], self.ledger, tenure)
        return in_hand.take_in(item, self.ledger.clock.time())

    # -- what would come of it ------------------------------------------------------------------------

    async def _ended(self, found: Preview, item: Item, end: Outcome | None) -> Tried:
        """Return what is told of an event of which nothing would be done."""
        if end is None:
            return Tried(found, Kind.SUPERSEDED, "it waits for somebody else's work")
        subscriber = end.item.subscriber
        told = Tried(found, end.kind, str(end.error or end.note), _time(item))
        if end.kind is Kind.FORGOTTEN or subscriber is None:
            return told
        return await self._compared(replace(told, asks=frozenset(_names(item.change))), subscriber.record)

    async def _news(self, found: Preview, item: Item, tenure: Tenure | None) -> Tried:
        subscriber, change = item.subscriber, item.change
        if subscriber is None:
            raise AssertionError("an event that was taken in has a person")
        record = subscriber.record
        kind = Kind.SCHEDULED if item.waits else Kind.APPLIED
        to_do = self._to_do(record, change, tenure)
        steps = plan(to_do, self.account.options, known=record.kit_id is not None)
        email = _moved_to(record, change)
        calls = [call_of(email, step) for step in steps]
        if record.kit_id is not None:
            calls = [replace(call, only="") for call in calls]
        moves = [_move(email)] if email != record.email else []
        _as_if_done(record, change, to_do, self.ledger.clock.time())
        told = Tried(
            found,
            kind,
            str(item.refusal or (item.later.told if item.later is not None else "")),
            _time(item),
            calls=(*moves, *calls),
            asks=frozenset(_names(change)),
            told=frozenset(_names(to_do)),
        )
        return replace(await self._compared(told, record), email=email)

    def _to_do(self, record: Record, change: Change, tenure: Tenure | None) -> Change:
        """Return what of a change Kit would be told; as `kit.writer` finds it."""
        begin(record, change)
        left = structs.replace(left_to_do(record, change), address=None)
        relied_on = float("inf") if tenure is None else tenure.known_since
        oldest = max(self.ledger.clock.time() - self.known_ttl, relied_on)
        ids = _kit_ids(record)
        known = record.known(left, lambda at: at > oldest, lambda name: ids.get(name, 0))
        record.confirm(known)
        return left.without(known)

    async def _compared(self, told: Tried, record: Record) -> Tried:
        known = KnownPerson(frozenset({record.email}), frozenset(record.users), record)
        kit = await ask_kit(self.account, self.kit, known, record.email)
        return replace(
            told,
            email=record.email,
            kit=kit,
            tags=tag_rows(record, {}, kit.person),
            fields=(*_first_name(record, kit), *field_rows(record, {}, kit.person)),
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


def _moved_to(record: Record, change: Change) -> str:
    """Return the address that a person would have."""
    address = change.address
    if address is None or address.order <= (record.placed or FIRST):
        return record.email
    return address.value


def _move(email: str) -> CallView:
    return CallView("PUT /v4/subscribers/{id}", f"change the address to {email}", {"email_address": email})


def _kit_ids(record: Record) -> dict[str, int]:
    ids = {key: tag.kit_id for key, tag in record.tags.items()}
    return ids | {name: value.kit_id for name, value in record.fields.items()}


def _as_if_done(record: Record, change: Change, done: Change, now: float) -> None:
    """Note in a copy of a record what Kit would have answered."""
    record.note(done, now, _kit_ids(record))
    finish(record, change)


def _first_name(record: Record, kit: AskedKit) -> Iterator[FieldState]:
    if record.first_name is None:
        return
    has = None if kit.person is None else kit.person.first_name or None
    yield FieldState("first_name", record.first_name.part.value, in_kit=has)
