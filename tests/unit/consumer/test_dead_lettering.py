"""How a dead letter gets safe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tests.unit.virtual_time import VirtualClock, run
from worker.consumer.dead_lettering import DeadLettering
from worker.errors import BrokerUnavailable, InvalidEvent
from worker.events.delivery import Delivery
from worker.subscribers.item import Item, Kind, Outcome

if TYPE_CHECKING:
    from worker.broker.broker import Broker
    from worker.broker.publisher import Outgoing
    from worker.broker.topology import Topology


@dataclass
class FakeBroker:
    """A broker, and its queues, which takes a dead letter at the third try."""

    tried: list[Outgoing] = field(default_factory=list)
    declared: int = 0

    @property
    def publisher(self) -> FakeBroker:
        """What publishes."""
        return self

    async def publish(self, letter: Outgoing) -> None:
        """Take it, or fail."""
        self.tried.append(letter)
        if len(self.tried) < 3:
            raise BrokerUnavailable("the queue is gone")

    async def declare_dead_letters(self, _account: str) -> None:
        """Make the queue anew."""
        self.declared += 1


def test_it_is_published_until_it_is_safe_and_says_when_it_got_there() -> None:
    async def main() -> None:
        broker = FakeBroker()
        way = DeadLettering("main", cast("Broker", broker), cast("Topology", broker), VirtualClock())
        why = InvalidEvent("data.user: is missing")
        await way.publish(Outcome(Item(Delivery(b"{}", "user.signed_up")), Kind.DEAD_LETTERED, why))
        assert way.retrying.problem == ""
        assert (len(broker.tried), broker.declared) == (3, 2)
        first, _, last = (each.properties["headers"]["x-failed-at"] for each in broker.tried)
        assert last > first

    run(main())
