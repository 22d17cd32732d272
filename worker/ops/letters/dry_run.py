"""What a replay of dead letters would do, by what the ledger knows now. Nothing is changed, nobody is told.

Kit is not asked: whether it takes what it refused before, only trying one tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.whom import naming_whom
from worker.broker.publisher import Outgoing
from worker.consumer.interpreting import interpreted
from worker.dead_letters.letter import DeadLetter, replay_message
from worker.errors import EventError, Reason
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import arrival_of
from worker.ledger.store import Ledger
from worker.ledger.takeover import present_tenure
from worker.ops.letters.forecast import Forecast
from worker.ops.look_up import look_up
from worker.subscribers.identity import home_app
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome

KITS: Final = frozenset(
    reason.value
    for reason in (
        Reason.KIT_REJECTED, Reason.KIT_UNAVAILABLE, Reason.KIT_PLAN_FULL, Reason.UNKNOWN_TAG,
        Reason.PARTLY_APPLIED,
    )
)  # fmt: skip
"""Reasons that Kit gave, so that it depends on Kit whether the same comes again."""


async def forecast(letters: Sequence[DeadLetter], account: Account, ledger: Ledger) -> Forecast:
    """Return what would become of letters if they were replayed now, in this order.

    Args:
        letters: With their bodies; no more than a few hundred, of whose people the ledger is asked at once.
        account: As its file is now.
        ledger: The workers'.

    Raises:
        LedgerUnavailable: The ledger could not be read.
        EpochLost: The account was taken over meanwhile; asking again goes on.
    """
    async with ledger.database.read() as connection:
        tenure = await present_tenure(connection, account.name)
    home = home_app(account.apps) if tenure is None else tenure.home_app
    now = ledger.clock.now()
    read = [_read(replayed(each, now), account, home) for each in letters]
    in_hand = InHand()
    items = [each for each in read if isinstance(each, Item)]
    await look_up(in_hand.directory, items, ledger, tenure)
    found = Forecast()
    for letter, each in zip(letters, read, strict=True):
        ends = in_hand.take_in(each, now.timestamp()) if isinstance(each, Item) else each
        found = found.with_more(_of(letter, ends))
    return found


def replayed(letter: DeadLetter, now: datetime) -> Delivery:
    """Return a letter as it would be delivered again."""
    return as_delivered(replay_message(as_in_queue(letter), letter), now)


def as_in_queue(letter: DeadLetter) -> Delivery:
    """Return a letter as it was delivered from its queue."""
    return Delivery(letter.body, "", letter.properties, letter.headers)


def as_delivered(message: Outgoing, now: datetime) -> Delivery:
    """Return a message that is put straight into a queue, as it will be delivered."""
    properties = {name: value for name, value in message.properties.items() if name != "headers"}
    headers = message.properties["headers"]
    return Delivery(message.body, message.routing_key, properties, headers, received_at=now)


def why_not(message: Outgoing, account: Account, now: datetime) -> str:
    """Return why an event would become a dead letter at once, by itself; empty where it would not."""
    read = _read(as_delivered(message, now), account, home_app(account.apps))
    error = read.error if isinstance(read, Outcome) else read.refusal
    return "" if error is None else str(error)


def _read(delivery: Delivery, account: Account, home: str) -> Item | Outcome:
    """Return a message as intake reads it: an item with what it asks for, or its end."""
    item = Item(delivery)
    try:
        # One that keeps no place of the first time comes in after all others.
        arrival = arrival_of(round(delivery.received_at.timestamp() * 1000), 0)
        event = decode(delivery, arrival=arrival, apps=account.apps, types=account.types)
        item = naming_whom(Item(delivery, event), event, account.options, home)
        return interpreted(item, account)
    except EventError as error:
        if not item.email:
            return Outcome(item, Kind.DEAD_LETTERED, error)
        return structs.replace(item, refusal=error)  # its person may have been forgotten since


def _of(letter: DeadLetter, ends: Item | Outcome | None) -> Forecast:
    """Return what becomes of one letter, by what intake makes of it; None: it waits for somebody's work."""
    is_copy = isinstance(ends, Item) and ends.doubled
    if is_copy or (isinstance(ends, Outcome) and ends.kind is not Kind.DEAD_LETTERED):
        return Forecast(unchanged=1)
    refusal = ends.error if isinstance(ends, Outcome) else None if ends is None else ends.refusal
    if refusal is not None:
        return Forecast(again=1, why=f"{refusal.reason.value}: {refusal}")
    return Forecast(applied=1, by_kit=int(letter.reason in KITS))
