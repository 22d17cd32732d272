"""People whose events a worker has applied, as the ledger has them then: without Kit and without RabbitMQ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from json import dumps
from typing import Any

from tests.unit.examples import NOON
from worker.accounts.account import Account
from worker.accounts.whom import naming_whom
from worker.consumer.interpreting import interpreted
from worker.consumer.newest import newest_event
from worker.errors import EventError
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import arrival_of
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.ops.in_kit import SeenInKit
from worker.ops.look_up import look_up
from worker.ops.rehearsal import Rehearsal
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome

TOGETHER = 3_000
"""Events that are saved in one batch."""


@dataclass(frozen=True, slots=True)
class Sent:
    """An event that the platform has sent: its `data`, and when it happened, in seconds after noon."""

    kind: str
    data: dict[str, Any]
    at: float = 0.0
    app: str = ""

    def delivery(self, number: int) -> Delivery:
        """Return it as it was delivered, soon after it happened."""
        time = NOON + timedelta(seconds=self.at)
        body = {"id": f"e-{number}", "type": self.kind, "time": time.isoformat(), "data": self.data}
        key = f"{self.kind}.{self.app}" if self.app else self.kind
        received = time + timedelta(seconds=1)
        return Delivery(dumps(body).encode(), key, received_at=received, exchange="platform.events")


async def apply_events(ledger: Ledger, account: Account, events: Iterable[Sent]) -> None:
    """Have a worker apply events in this order, each with success.

    Args:
        ledger: It is written.
        account: By its file.
        events: Of any number.
    """
    tenure = await ledger.take(account.name, apps=account.apps)
    left, number = iter(events), 0
    while portion := list(islice(left, TOGETHER)):
        in_hand, ended = InHand(), list[Outcome]()
        items = [_item(each, number + at, account, tenure) for at, each in enumerate(portion, 1)]
        number += len(portion)
        await look_up(in_hand.directory, items, ledger, tenure)
        for item in items:
            await look_up(in_hand.directory, [item], ledger, tenure)  # whom an earlier one has moved
            ended += _applied(in_hand.take_in(item, NOON.timestamp()), account, in_hand)
        batch = in_hand.unsaved.take()
        batch.newest = [newest for each in ended if (newest := newest_event(each)) is not None]
        await ledger.save(tenure, batch)


def _item(sent: Sent, number: int, account: Account, tenure: Tenure) -> Item:
    delivery = sent.delivery(number)
    arrival = arrival_of(tenure.epoch, number)
    event = decode(delivery, arrival=arrival, apps=account.apps, types=account.types)
    item = interpreted(naming_whom(Item(delivery, event), event, account.options, tenure.home_app), account)
    if isinstance(item, Outcome):
        raise EventError(f"{event.type} asks for nothing")
    return item


def _applied(taken: Item | Outcome | None, account: Account, in_hand: InHand) -> list[Outcome]:
    if not isinstance(taken, Item) or taken.subscriber is None:
        return [taken] if isinstance(taken, Outcome) else []
    record = Rehearsal(account, in_hand, 0.0).carry_out(taken, SeenInKit(), NOON.timestamp()).record
    record.kit_id = record.kit_id or 7
    in_hand.applied(taken)
    in_hand.let_go(taken)
    return [Outcome(taken, Kind.APPLIED)]
