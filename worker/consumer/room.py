"""How much memory the messages in hand may take, of all accounts of a worker together. Pure.

RabbitMQ counts messages: a quorum queue knows no prefetch by bytes (RabbitMQ, "Consumer Prefetch"). So once
the messages in hand take too much, the account that holds the most of them goes on with fewer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol

from worker.consumer.prefetch import most_beside
from worker.events.delivery import Delivery

MOST: Final = 64 * 1024 * 1024
"""Bytes of all messages in hand."""
EASY: Final = 0.75
"""Of its part of that, what an account should take: messages differ in size."""
PER_VALUE: Final = 64
"""Bytes that a header's value takes in memory, besides its text."""


class Holder(Protocol):
    """Whoever holds messages."""

    def make_room(self) -> None:
        """Hold fewer messages from now on."""


class Room:
    """What all accounts of a worker share."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._shares: set[Share] = set()

    @property
    def each(self) -> float:
        """The bytes that each account with messages in hand may take, where all take as much."""
        return self._most / max(1, len(self._shares))

    def enter(self, share: Share) -> None:
        """Count in what an account holds, and see to it that all together do not hold too much."""
        self._shares.add(share)
        if sum(share.held for share in self._shares) > self._most:
            self._make_room()

    def leave(self, share: Share) -> None:
        """Count no more what an account holds."""
        self._shares.discard(share)

    def _make_room(self) -> None:
        """Let whoever holds the most hold fewer; one message may always be held."""
        many = (share for share in self._shares if share.messages > 1)
        if (largest := max(many, key=lambda share: share.held, default=None)) is not None:
            largest.holder.make_room()
            self.leave(largest)  # what it holds is settled, or goes back, in a moment


class Share:
    """What one session of an account holds.

    Attributes:
        held: Bytes of the messages in hand.
        messages: How many these are.
        settled: How many are no longer in hand.
    """

    def __init__(self, room: Room, holder: Holder, window: int) -> None:
        self.holder = holder
        self.held = self.messages = self.settled = 0
        self._room = room
        self._lately: deque[tuple[int, int]] = deque(maxlen=window)

    def take(self, delivery: Delivery) -> None:
        """Count a message as in hand."""
        size = size_of(delivery)
        self.held += size
        self.messages += 1
        self._lately.append((size, delivery.count))
        self._room.enter(self)

    def settle(self, delivery: Delivery) -> None:
        """Count a message as no longer in hand."""
        self.held -= size_of(delivery)
        self.messages -= 1
        self.settled += 1
        if not self.messages:
            self._room.leave(self)

    def close(self) -> None:
        """Leave the room to others."""
        self._room.leave(self)

    @property
    def fit(self) -> int:
        """How many of the messages that came lately this account's part has room for."""
        size = sum(size for size, _ in self._lately) / max(1, len(self._lately))
        return int(self._room.each * EASY / max(1.0, size))

    @property
    def most(self) -> int:
        """How many such messages may be held, also considering how often they were delivered."""
        return min(self.fit, most_beside(max((count for _, count in self._lately), default=0)))


def size_of(delivery: Delivery) -> int:
    """Return about how many bytes a message takes in memory."""
    if not delivery.headers:
        return len(delivery.body)
    size, values = len(delivery.body), list[Any]([delivery.headers])
    while values:
        value = values.pop()
        size += PER_VALUE + (len(value) if isinstance(value, str | bytes) else 0)
        if isinstance(value, Mapping):
            values += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            values += value
    return size
