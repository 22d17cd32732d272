"""How much memory the messages in hand may take, of all accounts of a worker together. Pure.

RabbitMQ counts messages: a quorum queue knows no prefetch by bytes (RabbitMQ, "Consumer Prefetch"). So once
the messages in hand take too much, the account that holds the most goes on with fewer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, Final, Protocol

from worker.consumer.prefetch import most_beside
from worker.events.delivery import Delivery

MOST: Final = 64 * 1024 * 1024
"""Bytes of all messages in hand, as `size_of` counts them; they take four times as much memory."""
EASY: Final = 0.75
"""Of its part of that, what an account should take: messages differ in size."""
PER_MESSAGE: Final = 1536
"""Bytes of a body that take as much memory as all that belongs to a message in hand besides its body. That is
6 KB, and a byte of a body takes four once it is read (both measured)."""
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
        self._leaving: set[Share] = set()

    @property
    def each(self) -> float:
        """The bytes that each account with messages in hand may take, where all take as much.

        Whoever makes room comes back for its own in a moment.
        """
        return self._most / max(1, len(self._shares) + len(self._leaving))

    def enter(self, share: Share) -> None:
        """Count in what an account holds, and see to it that all together do not hold too much."""
        if share in self._leaving:
            return
        self._shares.add(share)
        if sum(share.held for share in self._shares) > self._most:
            self._make_room()

    def leave(self, share: Share) -> None:
        """Count no more what an account holds."""
        self._shares.discard(share)
        self._leaving.discard(share)

    def _make_room(self) -> None:
        """Let whoever holds the most hold fewer; one message may always be held."""
        many = (share for share in self._shares if share.messages > 1)
        if (largest := max(many, key=lambda share: share.held, default=None)) is not None:
            largest.holder.make_room()
            self._shares.discard(largest)
            self._leaving.add(largest)  # what it holds is settled, or goes back, in a moment


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
    """Return what a message counts, in bytes of a body."""
    if not delivery.headers:
        return len(delivery.body) + PER_MESSAGE
    size, values = len(delivery.body) + PER_MESSAGE, list[Any]([delivery.headers])
    while values:
        value = values.pop()
        size += PER_VALUE + (len(value) if isinstance(value, str | bytes) else 0)
        if isinstance(value, Mapping):
            values += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            values += value
    return size
