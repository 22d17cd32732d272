"""Letters to replay, what the ledger knows of their people, and what would become of them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime

from tests.unit.accounts.harness import parse
from tests.unit.consumer.world import adds
from tests.unit.dead_letters.letter.on_the_wire import sent
from worker.accounts.account import Account
from worker.dead_letters.letter import DeadLetter, dead_letter, read_dead_letter
from worker.errors import EventError, InvalidEvent, UndecodableEvent
from worker.events.delivery import Delivery
from worker.events.event import OrderKey
from worker.ledger.store import Ledger
from worker.ops.letters.dry_run import fates
from worker.ops.letters.fate import Fate
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Batch, Person
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ACCOUNT = adds("VIP")
ADA = "ada@example.com"


def letter(
    email: str = ADA,
    *,
    at: datetime = NOON,
    error: EventError | None = None,
    user_id: str | None = None,
    kind: str = "user.signed_up",
    **data: object,
) -> DeadLetter:
    """Return the letter of an event, a sign-up unless it is said otherwise."""
    body = {"data": {"user": {"email": email, "id": user_id}, **data}, "time": at.isoformat()}
    properties = {"message_id": f"e-{email}-{at:%H%M}", "type": kind}
    delivery = Delivery(json.dumps(body).encode(), kind, properties, exchange="platform.events")
    return dead(delivery, error or InvalidEvent("no"))


def dead(delivery: Delivery, error: EventError | None = None) -> DeadLetter:
    outcome = Outcome(Item(delivery), Kind.DEAD_LETTERED, error or UndecodableEvent("no JSON"))
    return read_dead_letter(sent(dead_letter(ACCOUNT.name, outcome, NOON)), ACCOUNT.name)


async def known(ledger: Ledger, at: datetime) -> None:
    """Let Ada have her tag by an event of a time, which also said all else that a sign-up does."""
    order = OrderKey("", at, 1)
    record = Record(ADA, 7, ensured=order)
    record.tags["vip"] = KnownPart(Part(TagWish("VIP", present=True), order), at.timestamp())
    tenure = await ledger.take(ACCOUNT.name)
    await ledger.save(tenure, Batch([record], [Person("u-a", ADA)]))


def by(text: str) -> Account:
    """Return the account by another file."""
    return replace(parse(text), name=ACCOUNT.name)


async def found(ledger: Ledger, *letters: DeadLetter, account: Account = ACCOUNT) -> list[Fate]:
    """Return what would become of letters that are replayed in this order."""

    async def in_their_order() -> AsyncIterator[DeadLetter]:
        for each in letters:
            yield each

    return [fate async for _, fate in fates(in_their_order(), account, ledger)]


async def kinds(ledger: Ledger, *letters: DeadLetter, account: Account = ACCOUNT) -> list[str]:
    return [fate.kind.value for fate in await found(ledger, *letters, account=account)]
