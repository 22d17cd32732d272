"""Differences with Kit, and somebody who asks that they be put right or taken over."""

from __future__ import annotations

from typing import Final

from tests.by_hand import change_address, put_on, take_off
from tests.unit.examples import EMAIL, change, order
from tests.unit.kit.harness import Account
from worker.subscribers.change import Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.subscriber import Subscriber

PLANNED: Final = order(10**9)
"""After all that Kit is told in a test."""
TAGS_READ: Final = "GET /v4/subscribers/{subscriber_id}/tags 200"
NEW: Final = "ada@new.example"

MISSING = DriftRow(DriftKind.TAG_MISSING, "VIP")
BACK = DriftRow(DriftKind.TAG_BACK, "Old")
FIELD = DriftRow(DriftKind.FIELD, "plan", "Silver")
NAME = DriftRow(DriftKind.FIRST_NAME, kit="Augusta")
ADDRESS = DriftRow(DriftKind.ADDRESS, kit=NEW)
UNSUBSCRIBED = DriftRow(DriftKind.UNSUBSCRIBED, kit="cancelled")
DELETED = DriftRow(DriftKind.DELETED)


def asking(*rows: DriftRow, adopts: bool = False) -> Change:
    return Change(remedies=frozenset(Remedy(row, PLANNED, adopts) for row in rows))


async def given(of: Account, name: str = "Ada") -> Subscriber:
    """Given Ada has a tag, a field and a name by an event, and a tag was taken off her."""
    of.kit.add_subscriber(EMAIL, tags=["Old"], fields={"plan": "Bronze"})
    subscriber = of.subscriber()
    asked = change(add=("VIP",), remove=("Old",), fields={"plan": "Gold"}, first_name=name)
    await of.apply(asked, subscriber)
    return subscriber


def why(subscriber: Subscriber) -> dict[DriftRow, str]:
    """Why differences were left; empty for what was done."""
    return {remedy.row: why for remedy, why in subscriber.looked_at.items()}


def drift(of: Account) -> None:
    """Let somebody change in Kit all that this worker gave."""
    take_off(of.kit, EMAIL, "VIP")
    put_on(of.kit, EMAIL, "Old")
    of.kit.add_subscriber(EMAIL, first_name="Augusta", fields={"plan": "Silver"})
    change_address(of.kit, EMAIL, NEW)
