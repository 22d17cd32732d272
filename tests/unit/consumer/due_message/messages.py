"""Events that take effect later, as they are kept, and as they come out of the queue again."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from decimal import Decimal

import msgspec

from tests.unit.dead_letters.letter.on_the_wire import delivered, sent
from tests.unit.examples import EMAIL, NOON
from worker.consumer.due_message import due_again, due_effect
from worker.consumer.own_message import adopting, allowing, anew_effect, repairing, undoing
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin
from worker.subscribers.drifted import DriftKind, DriftRow
from worker.subscribers.due_effect import DueEffect
from worker.subscribers.item import Item, Later
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

AT = NOON + timedelta(days=30)
DATA = {"user": {"email": EMAIL, "id": "u-1"}}
ARRIVAL = 77


def read(delivery: Delivery, arrival: int = 1) -> Event:
    return decode(delivery, arrival=arrival, apps=["sunny"], types=["order.paid"])


def kept(message: Delivery, *, later: Later | None = None, user_id: str | None = "u-1") -> DueEffect:
    item = Item(
        message, read(message, ARRIVAL), EMAIL, user_id, later=later or Later(AT, "tag 'Late'"),
        subscriber=Subscriber(Record("ada@new.example")),
    )  # fmt: skip
    effect = due_effect(item)
    assert effect is not None
    return effect


def again(effect: DueEffect) -> Delivery:
    """The message as it comes out of the queue, when it is due."""
    return msgspec.structs.replace(sent(due_again("main", effect.message)), received_at=AT)


PLAIN = {"id": "e-1", "type": "order.paid", "time": "2026-07-01T11:00:00.5Z", "data": DATA}
CLOUD = {f"cloudEvents:{name}": PLAIN[name] for name in ("id", "type", "time")}
MESSAGES = {
    "plain": delivered(json.dumps(PLAIN).encode(), "order.paid.sunny", message_id="another"),
    "id and type outside": delivered(
        json.dumps({"data": DATA}).encode(), "order.paid.sunny", message_id="e-1", message_type="order.paid"
    ),
    "nothing but data": delivered(json.dumps({"data": DATA}).encode(), "order.paid.sunny"),
    "packed": delivered(
        gzip.compress(json.dumps(PLAIN).encode()), "order.paid.sunny", content_encoding="gzip"
    ),
    "binary cloud event": delivered(
        json.dumps(DATA).encode(), "order.paid.sunny", {"cloudEvents:specversion": "1.0", **CLOUD},
        content_type="application/json",
    ),
    "odd headers": delivered(
        json.dumps(PLAIN).encode(), "order.paid.sunny",
        {"when": NOON, "raw": b"\xff", "price": Decimal("1.5"), "deep": {"a": [1, None, True, {"b": NOON}]}},
        priority=9, expiration="1000", app_id="shop",
    ),
    "straight into the queue": msgspec.structs.replace(
        delivered(json.dumps(PLAIN).encode(), "kit.main"), exchange=""
    ),
    "large headers": delivered(json.dumps(PLAIN).encode(), "order.paid.sunny", {"trace": "x" * 70_000}),
}  # fmt: skip

ROWS = [DriftRow(DriftKind.TAG_MISSING, "VIP"), DriftRow(DriftKind.ADDRESS, kit="Ada@New.example")]
OWN = {
    Origin.ANEW: anew_effect(EMAIL, "apply-1a2b", 7, "v1", NOON.timestamp()),
    Origin.UNDO: undoing(EMAIL, "apply-1a2b", 7, ["VIP"], ("", NOON)),
    Origin.ALLOW: allowing("main", EMAIL, ["VIP"], NOON.timestamp()),
    Origin.REPAIR: repairing(EMAIL, "drift-1a2b", 7, ROWS, NOON.timestamp(), AT.timestamp()),
    Origin.ADOPT: adopting(EMAIL, "adopt-drift-1a2b", 7, ROWS, NOON.timestamp(), AT.timestamp()),
}
"""Messages that somebody asked for."""
