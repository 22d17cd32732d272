"""What a replay of dead letters would do, by what the ledger knows now. Nothing is changed, nobody is told.

Kit is not asked: whether it takes what it refused before, only trying one tells.

Each letter is judged once those before it are done. A worker has many events in hand at once, and tells alike
whose each of them is, but for one case: where several events change one person's address back and forth, it
makes the last of these moves alone. So an event may end as `identity_conflict` here and as applied there, or
the other way round, that concerns an address on the way; and fewer moves count for the hour.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from worker.accounts.account import Account
from worker.broker.publisher import Outgoing
from worker.dead_letters.letter import DeadLetter, replay_message
from worker.errors import EpochLost, LedgerUnavailable
from worker.events.delivery import Delivery
from worker.ledger.person import moves_lately, tenure_now
from worker.ledger.store import Ledger
from worker.ops.as_read import as_read, is_unread, unless_forgotten
from worker.ops.in_kit import JUST_CREATED, SeenInKit
from worker.ops.letters.fate import Fate, fate_of
from worker.ops.look_up import look_up
from worker.ops.rehearsal import Rehearsal
from worker.subscribers.identity import home_app
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Outcome
from worker.subscribers.known import RecentMoves
from worker.subscribers.subscriber import Subscriber

AT_ONCE: Final = 100
"""Letters of whose people the ledger is asked at once."""
TOGETHER: Final = 20_000
"""People whose letters are judged together, so that memory has a bound: some 100 MB."""
LOOKS: Final = 5
"""At most, while the account changes hands."""


async def fates(
    letters: AsyncIterator[DeadLetter], account: Account, ledger: Ledger
) -> AsyncIterator[tuple[DeadLetter, Fate]]:
    """Yield what would become of letters if they were replayed now, in this order, and nothing else came.

    Each is judged after those before it, of as many people as are judged together, as if these had been
    applied. Letters come without what they carry.

    Args:
        letters: With their bodies.
        account: As its file is now.
        ledger: The workers'.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    dry_run, portion = DryRun(account, ledger), list[DeadLetter]()
    async for letter in letters:
        portion.append(letter)
        if len(portion) == AT_ONCE:
            for told in await dry_run.fates(portion):
                yield told
            portion = []
    for told in await dry_run.fates(portion):
        yield told


class DryRun:
    """One replay that is only tried, portion by portion.

    Args:
        account: As its file is now.
        ledger: The workers'; it is only read.
    """

    def __init__(self, account: Account, ledger: Ledger) -> None:
        self._account = account
        self._ledger = ledger
        self._in_hand = InHand()
        self._changed: set[Subscriber] = set()
        self._moves: RecentMoves | None = None

    async def fates(self, letters: Sequence[DeadLetter]) -> list[tuple[DeadLetter, Fate]]:
        """Return what would become of the next letters, in their order; see `fates`.

        Raises:
            LedgerUnavailable: The ledger could not be read.
        """
        for _ in range(LOOKS):
            try:
                found = await self._fates(letters)
            except EpochLost:
                continue  # a worker took the account meanwhile; nothing was judged yet
            bare = [replace(each, body=b"", headers={}, properties={}) for each in letters]
            return list(zip(bare, found, strict=True))
        raise LedgerUnavailable("the account goes from worker to worker")

    async def _fates(self, letters: Sequence[DeadLetter]) -> list[Fate]:
        now, database = self._ledger.clock.now(), self._ledger.database
        tenure = await tenure_now(database, self._account.name)
        home = home_app(self._account.apps) if tenure is None else tenure.home_app
        read = [as_read(replayed(each, now), self._account, home) for each in letters]
        gone = await self._forgotten(read)
        items = [each for each in read if isinstance(each, Item)]
        await look_up(self._in_hand.directory, items, self._ledger, tenure)
        if self._moves is None:
            self._moves = await moves_lately(database, self._account.name, now.timestamp())
        self._in_hand.moves.learn(self._moves)
        found = [
            self._fate(letter, unless_forgotten(each, gone, home), now)
            for letter, each in zip(letters, read, strict=True)
        ]
        self._forget_some()
        return found

    def _forget_some(self) -> None:
        """Forget whom no letter has changed, and all where they are too many; how many moved stays known."""
        self._in_hand.drop_idle()
        if len(self._changed) >= TOGETHER:
            moves, self._in_hand, self._changed = self._in_hand.moves, InHand(), set()
            self._in_hand.moves = moves

    async def _forgotten(self, read: Sequence[Item | Outcome]) -> dict[tuple[str, str], datetime]:
        """Return who was forgotten of those whom messages name that cannot be read."""
        seen = [each.item.known for each in read if is_unread(each)]
        return await self._ledger.forgotten(self._account.name, *seen) if seen else {}

    def _fate(self, letter: DeadLetter, read: Item | Outcome, now: datetime) -> Fate:
        end = self._in_hand.take_in(read, now.timestamp()) if isinstance(read, Item) else read
        if end is None:
            raise AssertionError("an event waits for somebody else's work, and there is none in hand")
        item = end.item if isinstance(end, Outcome) else end
        fate = fate_of(letter.reason, end, after_others=item.subscriber in self._changed)
        if isinstance(end, Item):
            self._carry_out(end, now.timestamp())
        if item.subscriber is not None:
            self._in_hand.let_go(item)
        return fate

    def _carry_out(self, item: Item, now: float) -> None:
        """Note that all of an event is done which is not refused, as if Kit had taken it."""
        rehearsal = Rehearsal(self._account, self._in_hand, relied_on=float("inf"))
        record = rehearsal.carry_out(item, SeenInKit(), now).record
        if record.kit_id is None and item.change.creates is not None:
            record.kit_id = JUST_CREATED
        if item.refusal is None:
            self._in_hand.applied(item)
        if item.subscriber is not None:
            self._changed.add(item.subscriber)


# -- reading a letter as the event that it would be --------------------------------------------------------


def replayed(letter: DeadLetter, now: datetime) -> Delivery:
    """Return a letter as it would be delivered again."""
    return as_delivered(replay_message(as_in_queue(letter), letter), now)


def as_in_queue(letter: DeadLetter) -> Delivery:
    """Return a letter as it was delivered from its queue."""
    return Delivery(letter.body, "", letter.properties, letter.headers)


def as_delivered(message: Outgoing, now: datetime) -> Delivery:
    """Return a message that is put straight into a queue, as it will be delivered."""
    properties = {name: value for name, value in message.properties.items() if name != "headers"}
    headers = message.properties["headers"]
    return Delivery(message.body, message.routing_key, properties, headers, received_at=now)


def why_not(message: Outgoing, account: Account, now: datetime) -> str:
    """Return why an event would become a dead letter at once, by itself; empty where it would not."""
    read = as_read(as_delivered(message, now), account, home_app(account.apps))
    error = read.error if isinstance(read, Outcome) else read.refusal
    return "" if error is None else str(error)
