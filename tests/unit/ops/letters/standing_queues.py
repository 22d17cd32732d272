"""Queues of dead letters that are only lists, in the place of RabbitMQ's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs

from worker.broker.publisher import Outgoing
from worker.broker.queues import QueueState
from worker.broker.topology import Topology
from worker.dead_letters import operations
from worker.dead_letters.own_id import read_letter
from worker.dead_letters.reader import LetterInHand
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery
from worker.ops.letters import letters, looks, runner

ACCOUNT = "sunny"


def written(name: str, body: bytes = b"{}", **headers: Any) -> Delivery:  # noqa: ANN401  # of any kind
    """Return a letter that a worker wrote, by its id."""
    reason = {"x-reason": "invalid_event", "x-event-id": f"e of {name}"}
    return Delivery(body, ACCOUNT, {"message_id": name}, {**reason, **headers})


class StandingQueues(defaultdict[str, list[Delivery]]):
    """The letters of each queue, in their order.

    Attributes:
        held: Queues whose letters another tool holds, so that none comes.
        kept: Those from which nothing can be taken off: the connection goes away before.
    """

    def __init__(self) -> None:
        super().__init__(list)
        self.held: set[str] = set()
        self.kept: set[str] = set()

    async def publish(self, message: Outgoing) -> None:
        """Take a message in, as RabbitMQ does before it confirms."""
        properties = {name: value for name, value in message.properties.items() if name != "headers"}
        headers = message.properties["headers"]
        self[message.routing_key].append(Delivery(message.body, message.routing_key, properties, headers))

    @asynccontextmanager
    async def reading(
        self, _: object, account: str, *, queue: str = "", at_most: int | None = None
    ) -> AsyncIterator[StandingReader]:
        """Read a queue, as `dead_letters.reader.reading` does."""
        assert at_most is None
        yield StandingReader(self, account, queue or f"kit.{account}.dead")

    def names(self, queue: str) -> list[str]:
        """Return the ids of a queue's letters."""
        return [str(each.properties.get("message_id")) for each in self[queue]]


class StandingReader:
    """Reads one of the queues, and takes off."""

    def __init__(self, queues: StandingQueues, account: str, queue: str) -> None:
        self.taken_off = 0
        self.state = QueueState(len(queues[queue]), 0)
        self.saw_all = queue not in queues.held
        self.queue = queue
        self._letters = queues[queue]
        self._keeps = queue in queues.kept
        self._account = account

    async def letters(self) -> AsyncIterator[LetterInHand]:
        """Yield those that are there; none where another tool holds them."""
        for tag, delivery in enumerate(list(self._letters) if self.saw_all else []):
            in_hand = structs.replace(delivery, tag=tag)
            yield LetterInHand(read_letter(in_hand, self._account), in_hand)

    async def take_off(self, in_hand: LetterInHand) -> None:
        """Remove one for good."""
        if self._keeps:
            raise BrokerUnavailable("the connection went away")
        gone = next(each for each in self._letters if each.body is in_hand.delivery.body)
        self._letters.remove(gone)
        self.taken_off += 1


@asynccontextmanager
async def nothing(*_: object) -> AsyncIterator[None]:
    """Stand in for a connection that nobody uses."""
    yield


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> StandingQueues:
    """Queues that stand in for RabbitMQ's, for all that the page does to letters."""
    standing = StandingQueues()
    for module in (operations, letters, looks):
        monkeypatch.setattr(module, "reading", standing.reading)
    for module in (letters, looks, runner):
        monkeypatch.setattr(module, "connected", nothing)
    for module in (letters, runner):
        monkeypatch.setattr(module, "Publisher", lambda _: standing)
    monkeypatch.setattr(Topology, "declare_archive", nothing_done)
    monkeypatch.setattr(runner, "AGAIN_AFTER", 0.0)
    return standing


async def nothing_done(*_: object) -> None:
    """Stand in for what RabbitMQ is asked to do."""
