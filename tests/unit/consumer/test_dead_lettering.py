"""How a dead letter gets safe."""

from __future__ import annotations

import asyncio
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


OUTCOME = Outcome(
    Item(Delivery(b"{}", "user.signed_up")), Kind.DEAD_LETTERED, InvalidEvent("data.user: is missing")
)


@dataclass
class FakeBroker:
    """A broker, and its queues, which takes a dead letter after so many tries that failed."""

    fails: int = 2
    confirms_after: float = 0.0
    tried: list[Outgoing] = field(default_factory=list)
    declared: int = 0

    @property
    def publisher(self) -> FakeBroker:
        """What publishes."""
        return self

    async def publish(self, letter: Outgoing, *, timeout: float) -> None:  # noqa: ASYNC109  # as the real one
        """Take it, or fail."""
        self.tried.append(letter)
        if len(self.tried) <= self.fails:
            raise BrokerUnavailable("the queue is gone")
        async with asyncio.timeout(timeout):
            await asyncio.sleep(self.confirms_after)

    async def declare_dead_letters(self, _account: str) -> None:
        """Make the queue anew."""
        self.declared += 1


def test_it_is_published_until_it_is_safe_and_says_when_it_got_there() -> None:
    async def main() -> None:
        broker = FakeBroker()
        way = DeadLettering("main", cast("Broker", broker), cast("Topology", broker), VirtualClock())
        entry = await way.publish(OUTCOME)
        assert way.retrying.problem == ""
        assert entry.id == broker.tried[0].properties["message_id"]
        assert (entry.reason, entry.detail) == ("invalid_event", "data.user: is missing")
        assert (len(broker.tried), broker.declared) == (3, 2)
        first, *others = broker.tried
        assert first.properties["message_id"]
        assert others == [first, first]  # a copy is known by its id

    run(main())


def test_a_confirm_that_comes_late_is_waited_for_and_the_letter_is_written_once() -> None:
    """Given a confirm after 12 s, and then one after 4 minutes, the account says meanwhile that it waits."""

    async def main() -> None:
        broker = FakeBroker(fails=0)
        way = DeadLettering("main", cast("Broker", broker), cast("Topology", broker), VirtualClock())
        for count, seconds in enumerate((12, 240), 1):
            broker.confirms_after = seconds
            publishing = asyncio.create_task(way.publish(OUTCOME))
            await asyncio.sleep(11)
            assert way.retrying.problem == "RabbitMQ has not confirmed it for 10 s"
            await publishing
            assert (way.retrying.problem, len(broker.tried)) == ("", count)

    run(main())
