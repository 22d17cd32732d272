"""What a process has seen of the ledger, so that a ledger which was put back in time is noticed. Pure.

A copy cannot tell that it is one: the fence lies inside what it guards. Who has seen more of it can.
"""

from __future__ import annotations

from collections import Counter


class Witness:
    """Has seen tenures of accounts: by taking them, and by looking on.

    Attributes:
        went_back: By account, how often the ledger was found older than it was.
    """

    def __init__(self) -> None:
        self.went_back: Counter[str] = Counter()
        self._newest: dict[str, int] = {}
        self._running: dict[str, int] = {}

    def saw(self, account: str, epoch: int, *, running: bool) -> None:
        """Note the newest tenure of an account, and whether it was not released yet."""
        if epoch >= self.newest(account):
            self._newest[account] = epoch
            if running:
                self._running[account] = epoch

    def newest(self, account: str) -> int:
        """Return the greatest epoch that was ever seen of an account; 0 where none was."""
        return self._newest.get(account, 0)

    def knows(self, account: str, epoch: int) -> bool:
        """Tell whether this is the newest tenure, and was seen before its holder left.

        Then its last word is true: no other tenure came between, of which a copy would not know. Of what a
        process finds when it begins, it cannot know that.
        """
        return self._running.get(account) == epoch == self.newest(account)
