"""How many wrong tokens have come from where, so that nobody tries thousands. Pure.

Behind a proxy everybody has its address, who sends wrong tokens, too. So these lock nobody out: after
some of them, all tokens of that address take turns, which is slow for whoever guesses, and not for others.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 10
WITHIN: Final = 60.0
"""Seconds. So many wrong tokens from one address, and those that follow take turns."""
TURN: Final = 0.2
"""Seconds between two turns: five guesses a second, at tokens of 24 characters or more."""
LONGEST: Final = 3.0
"""Seconds for which anybody waits for a turn; where more wait already, a token is not looked at."""
ADDRESSES: Final = 10_000
"""Remembered at once; beyond that the one that was heard of first is forgotten."""


@dataclass(slots=True)
class _Sender:
    """What came from one address.

    Attributes:
        wrong: When wrong tokens came, in seconds.
        next_turn: When nobody has a turn yet, likewise.
    """

    wrong: deque[float] = field(default_factory=deque)
    next_turn: float = 0.0


class Attempts:
    """Counts wrong tokens by the address of whoever sent them."""

    def __init__(self) -> None:
        self._senders: OrderedDict[str, _Sender] = OrderedDict()

    def wait(self, address: str, now: float) -> float | None:
        """Return in how many seconds a token from an address may be looked at; None where too many wait.

        Each that may is looked at then: the next one's turn is later.

        Args:
            address: Of the client.
            now: Seconds, by any clock that does not go back.
        """
        sender = self._senders.get(address)
        while sender is not None and sender.wrong and sender.wrong[0] <= now - WITHIN:
            sender.wrong.popleft()
        if sender is None or len(sender.wrong) < MOST:
            return 0.0
        turn = max(sender.next_turn, now)
        if turn > now + LONGEST:
            return None
        sender.next_turn = turn + TURN
        return turn - now

    def note(self, address: str, now: float) -> None:
        """Count a wrong token."""
        self._senders.setdefault(address, _Sender()).wrong.append(now)
        while len(self._senders) > ADDRESSES:
            self._senders.popitem(last=False)
