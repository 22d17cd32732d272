"""The way to the dead-letter queue, which returns only when a dead letter is safe there."""

from __future__ import annotations

from typing import Final

from worker.broker.broker import Broker
from worker.broker.publisher import Outgoing, with_id
from worker.broker.topology import Topology
from worker.clock import Clock
from worker.dead_letters.entry import entry_of
from worker.dead_letters.letter import dead_letter, read_dead_letter
from worker.errors import BrokerUnavailable
from worker.events.delivery import Delivery
from worker.retrying import LATE_AFTER, Retrying
from worker.subscribers.item import Outcome
from worker.subscribers.known import LetterEntry

CONFIRMS_WITHIN: Final = 300.0
"""Seconds; the connection's end is noticed at once, and RabbitMQ confirms only what all its nodes have."""


class DeadLettering:
    """One account's way to its dead-letter queue.

    Attributes:
        retrying: Says why a dead letter is not safe yet, if so.
    """

    def __init__(self, account: str, broker: Broker, topology: Topology, clock: Clock) -> None:
        self._account = account
        self._broker = broker
        self._topology = topology
        self._clock = clock
        self.retrying = Retrying(
            BrokerUnavailable,
            account=account,
            clock=clock,
            failing="dead_letter_not_safe",
            over="dead_letter_safe",
        )

    async def publish(self, outcome: Outcome) -> LetterEntry:
        """Return what the ledger notes of an event's dead letter once that is safe, however long that takes.

        A confirm that is late is waited for. Where none comes, the same dead letter is published again, under
        the same id: RabbitMQ may have both, and whoever reads them takes them for one.
        """
        letter = with_id(dead_letter(self._account, outcome, failed_at=self._clock.now()))
        await self.retrying.until_done(
            lambda: self._broker.publisher.publish(letter, timeout=CONFIRMS_WITHIN),
            # Somebody may have deleted the queue.
            mend=lambda: self._topology.declare_dead_letters(self._account),
            late=f"RabbitMQ has not confirmed it for {LATE_AFTER:.0f} s",
        )
        return entry_of(read_dead_letter(_as_it_lies_there(letter), self._account))


def _as_it_lies_there(letter: Outgoing) -> Delivery:
    properties = {name: value for name, value in letter.properties.items() if name != "headers"}
    return Delivery(letter.body, letter.routing_key, properties, letter.properties["headers"])
