"""What the writer has to know of the ledger: how much of what is in hand would survive a crash."""

from __future__ import annotations


class Persistence:
    """The way of records into the ledger.

    This one keeps nothing. A session has one of its own, which it gives to the writer.
    """

    @property
    def known_since(self) -> float:
        """From when on all that Kit answered is in the ledger, in seconds since 1970.

        What was answered before may have been undone since, by a worker of whom nothing is known.
        """
        return float("inf")

    async def written(self) -> None:
        """Wait until the ledger has all that the people in hand have noted by now."""

    async def people(self) -> int:
        """Return how many people the ledger knows."""
        return 0
