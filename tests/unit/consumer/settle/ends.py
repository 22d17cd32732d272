"""A session in which a test ends the events."""

from __future__ import annotations

from tests.unit.consumer.world import World as Session
from tests.unit.examples import EMAIL, change, event
from worker.errors import InvalidEvent
from worker.events.delivery import Delivery
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Known
from worker.subscribers.subscriber import Subscriber


class World(Session):
    """A session in which a test ends the events."""

    def ends(self, number: int, kind: Kind = Kind.IGNORED) -> None:
        """Let event `number` end."""
        item = Item(Delivery(b"", "", tag=number), event(number))
        error = InvalidEvent("no") if kind is Kind.DEAD_LETTERED else None
        self.settle.put(Outcome(item, kind, error))

    def touches(self) -> Subscriber:
        """Let something be noted of a subscriber whose change is not done."""
        item = Item(Delivery(b"", ""), event(1), EMAIL, change=change(1))
        self.in_hand.directory.learn([EMAIL], [], Known({}, {}, {}))
        taken = self.in_hand.take_in(item, self.clock.time())
        assert isinstance(taken, Item)
        assert taken.subscriber is not None
        self.in_hand.touch(taken.subscriber)
        return taken.subscriber

    @property
    def log(self) -> list[str]:
        """How many lines each write had, what was acked, and what was told."""
        saved = [f"saved {len(batch.entries)}" for batch in self.ledger.batches]
        acked = [f"acked {number}" for number in self.consumer.acked]
        return saved + acked + [f"told {number}" for number in self.kinds]
