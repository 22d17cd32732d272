"""Keeps the index of dead letters true: a queue that holds another number than the index is gone through.

Workers note their letters themselves. What RabbitMQ dead-letters, and what commands take out, nobody notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import structlog
from pydantic import SecretStr

from worker.broker.queues import connected
from worker.dead_letters.entry import entry_of
from worker.dead_letters.reader import DeadLetterReader, reading
from worker.errors import BrokerUnavailable, LedgerUnavailable
from worker.ledger.letter_index import LetterIndex
from worker.ledger.letters import LetterPlace
from worker.ledger.wholly import wholly
from worker.ops.depths import Depths
from worker.ops.letters.runner import queue_of
from worker.ops.letters.turns import Turns

log = structlog.get_logger()

PORTION: Final = 500
"""Letters that are noted in one transaction."""
FEW: Final = 1000
"""Letters of a queue that is gone through at once; of a larger one see `Mismatch.is_to_be_seen`."""
PATIENCE: Final = 4
"""Looks after which a larger one is gone through though it is never quiet."""


class Mismatch(NamedTuple):
    """That a queue holds another number of letters than the index.

    Attributes:
        depth: How many the queue holds.
        indexed: How many the index has.
        looks: For how many looks the two have not been the same.
        seen: Whether the queue was gone through, and these numbers stand: some are copies of others.
    """

    depth: int
    indexed: int
    looks: int = 1
    seen: bool = False

    def after(self, before: Mismatch | None) -> Mismatch:
        """Return this one, given what the look before found."""
        if before is None:
            return self
        if before.seen:
            return before if before[:2] == self[:2] else self
        return self._replace(looks=before.looks + 1)

    def is_to_be_seen(self, before: Mismatch | None) -> bool:
        """Tell whether the queue is gone through now, given what the look before found.

        While workers dead-letter one event after another, the numbers differ by what is on its way. So a
        large queue has to be quiet first.
        """
        if self.seen:
            return False
        is_quiet = before is not None and before[:2] == self[:2]
        return self.depth <= FEW or is_quiet or self.looks >= PATIENCE


class LetterLooks:
    """Goes through the queues of letters that hold another number of them than the index has.

    Args:
        amqp_url: The broker's.
        index: The index.
        depths: Looks at how many letters there are, every 15 s.
        turns: Of those who go through letters.
    """

    def __init__(self, amqp_url: SecretStr, index: LetterIndex, depths: Depths, turns: Turns) -> None:
        self._amqp_url = amqp_url
        self._index = index
        self._depths = depths
        self._turns = turns
        self._differ: dict[tuple[str, LetterPlace], Mismatch] = {}
        self._failing: dict[tuple[str, LetterPlace], str] = {}

    async def run(self) -> None:
        """Look after each look at the queues' depths, until cancelled; what fails is tried after the next."""
        while True:
            await self._depths.looked.wait()
            self._depths.looked.clear()
            try:
                await self.look()
            except LedgerUnavailable as error:
                log.warning("dead_letters_not_indexed", problem=str(error))

    async def look(self) -> None:
        """Go through the queues that have to be gone through now; one that fails holds up no other.

        Raises:
            LedgerUnavailable: The ledger cannot be used.
        """
        await self._look(LetterPlace.DEAD, self._depths.dead_letters())
        await self._look(LetterPlace.ARCHIVE, self._depths.archived())

    async def _look(self, place: LetterPlace, depths: Mapping[str, int]) -> None:
        counts = await wholly(self._index.counts(place))
        for account, depth in depths.items():
            queue = account, place
            indexed, before = counts.get(account, 0), self._differ.pop(queue, None)
            if depth == indexed:
                continue
            now = Mismatch(depth, indexed).after(before)
            self._differ[queue] = now
            if not now.is_to_be_seen(before) or self._turns.of(account).locked():
                continue
            if await self._sees(account, place):
                indexed = (await self._index.counts(place)).get(account, 0)
                self._differ[queue] = Mismatch(depth, indexed, seen=True)

    async def _sees(self, account: str, place: LetterPlace) -> bool:
        """Do what `see` does; a queue that fails is told of once, until it fails otherwise or no more."""
        queue, problem, saw_all = (account, place), "", False
        try:
            saw_all = await self.see(account, place)
        except BrokerUnavailable as error:
            problem = str(error)
        if problem and problem != self._failing.get(queue):
            log.warning("dead_letters_not_indexed", account=account, problem=problem)
        self._failing[queue] = problem
        return saw_all

    async def see(self, account: str, place: LetterPlace) -> bool:
        """Go through one of an account's queues of letters, and let the index say what is there.

        Returns:
            Whether all of it was seen: nobody else held letters.

        Raises:
            BrokerUnavailable: RabbitMQ went away; what was met is noted.
            LedgerUnavailable: The ledger cannot be used; likewise.
        """
        async with (
            self._turns.of(account),
            connected(self._amqp_url.get_secret_value(), "page") as connection,
        ):
            began = await self._index.now()
            async with reading(connection, account, queue=queue_of(account, place)) as reader:
                await self._note(account, place, reader)
            if reader.state is not None and reader.saw_all:
                await self._index.sweep(account, place, began)
            return reader.saw_all

    async def _note(self, account: str, place: LetterPlace, reader: DeadLetterReader) -> None:
        met = []
        async for in_hand in reader.letters():
            met.append(entry_of(in_hand.letter))
            if len(met) >= PORTION:
                await self._index.met(account, met, place)
                met = []
        await self._index.met(account, met, place)
