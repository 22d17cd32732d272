"""The first stage: what was delivered becomes an item of the backlog, or ends at once.

Messages are read as they come. Those that are read while the ledger is being asked make up the next batch,
and are asked about together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog
from msgspec import structs

from worker.accounts.account import Account
from worker.accounts.whom import naming_whom
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.anew import all_anew, asked_by, read_kept
from worker.consumer.backlog import Backlog
from worker.consumer.due_message import due_anew
from worker.consumer.end import End
from worker.consumer.interpreting import interpreted
from worker.consumer.newest import as_delivered
from worker.consumer.receive import Consumer
from worker.consumer.settle import Settle
from worker.errors import EarlyEvent, EventError, HandlerError
from worker.events.decode import decode
from worker.events.delivery import NEVER, Delivery
from worker.events.event import Origin, arrival_of
from worker.subscribers.change import NOTHING
from worker.subscribers.glimpse import Glimpse, glimpse
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.whose import named_by

log = structlog.get_logger()

LOOK_AGAIN: Final = 0.2
"""Seconds after which an event that waits for another subscriber's work is looked at again."""
MOST_AT_ONCE: Final = 50
"""Messages that are read, or taken in, without a pause, while other accounts wait; some milliseconds."""


class Intake:
    """One session's events on their way into the backlog.

    Attributes:
        account: As its file is now; a reload replaces it between two events.
    """

    def __init__(
        self,
        account: Account,
        consumer: Consumer,
        in_hand: InHand,
        ledger: AccountLedger,
        backlog: Backlog,
        settle: Settle,
    ) -> None:
        self.account = account
        self._consumer = consumer
        self._in_hand = in_hand
        self._ledger = ledger
        self._backlog = backlog
        self._settle = settle
        self._read: list[Item] = []
        self._early: list[Outcome] = []
        self._latest = NEVER
        self._batch: list[Item] = []
        self._parked: list[Item] = []
        self._again: list[Item] = []
        self._waited_for: set[str] = set()
        self._came = asyncio.Event()
        self._kept: Mapping[str, Sequence[bytes]] = {}

    def __len__(self) -> int:
        """Return how many events wait here."""
        read = len(self._read) + len(self._early) + len(self._batch) + len(self._parked)
        return len(self._consumer.delivered) + read

    @property
    def is_busy(self) -> bool:
        """Whether something has come that is not in the backlog yet; what waits for somebody's work apart."""
        return bool(self._consumer.delivered or self._read or self._early or self._batch)

    async def read(self) -> None:
        """Read messages until cancelled; those that ask for nothing end, also while the ledger is away."""
        while True:
            await self._consumer.something_delivered()
            for delivery in self._consumer.take(MOST_AT_ONCE):
                item = self._decoded(delivery)
                if item is not None and (item := self._interpreted(item)) is not None:
                    self._read.append(item)
                    self._came.set()
            if self._consumer.delivered:
                await asyncio.sleep(0)  # other accounts have their turn

    async def run(self) -> None:
        """Look up and take in what was read, until cancelled.

        Raises:
            EpochLost: Somebody else has taken the account.
        """
        while True:
            await self._something_to_do()
            # What waited for somebody's work comes first: it may never be quiet here.
            self._batch = [*self._parked, *self._read[:MOST_AT_ONCE]]
            self._parked, self._read, self._waited_for = [], self._read[MOST_AT_ONCE:], set()
            await self._consumer.surely_ours()
            await self._look_up()
            self._judge_early()
            batch, self._batch = self._batch, []
            for item in batch:
                self._take_in(item)
            # Before what was read since: that may be newer.
            self._read, self._again = [*self._again, *self._read], []

    async def _something_to_do(self) -> None:
        while not (self._read or self._early):
            self._came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN if self._parked else None):
                    await self._came.wait()
            if self._parked:
                return

    # -- decode, and interpret ------------------------------------------------------------------------

    def _decoded(self, delivery: Delivery) -> Item | None:
        epoch, latest = self._ledger.epoch, max(self._latest, self._ledger.not_before)
        try:
            event = decode(
                delivery,
                arrival=arrival_of(epoch, delivery.tag),
                apps=self.account.apps,
                types=self.account.types,
                not_before=latest,
            )
            read = Item(delivery, event, epoch=epoch)
            item = naming_whom(read, event, self.account.options, self._ledger.home_app)
        except EarlyEvent as error:
            self._early.append(self._unread(delivery, error))
            self._came.set()
        except EventError as error:
            self._settle.put(self._unread(delivery, error))
        except Exception as error:  # the edge: an unsettled message would stay for ever
            log.exception("receive_crashed", account=self.account.name)
            bug = HandlerError(f"{type(error).__name__} while reading it; this is a bug")
            # Nothing more is read of it: that might have the same fault.
            self._settle.put(Outcome(Item(delivery, glimpse=Glimpse()), Kind.DEAD_LETTERED, bug))
        else:
            if not event.dated:
                self._latest = event.time
            return item
        return None

    def _unread(self, delivery: Delivery, error: EventError) -> Outcome:
        seen = glimpse(delivery, self.account.apps, self.account.types)
        return Outcome(Item(delivery, glimpse=seen), Kind.DEAD_LETTERED, error)

    def _interpreted(self, item: Item) -> Item | None:
        """Return an event with what it asks for, and why it cannot have that, or a part of it."""
        event, version = item.event, self.account.version
        if event is None or item.version == version:
            return item
        waits = event.without_data()
        try:
            asks = interpreted(structs.replace(item, version=version), self.account)
        except EventError as error:
            item = structs.replace(item, event=waits, version=version)
            if item.email:
                return structs.replace(item, change=NOTHING, refusal=error, later=None)
            self._settle.put(Outcome(item, Kind.DEAD_LETTERED, error))
            return None
        if isinstance(asks, Outcome):
            self._settle.put(asks)
            return None
        return structs.replace(asks, event=waits)

    # -- look up, and judge ---------------------------------------------------------------------------

    def _judge_early(self) -> None:
        """Refuse what is dated ahead, unless it is this machine that is behind; Kit was asked for the time.

        It has to have been: whoever takes an account asks Kit whose it is, and Kit's answers are dated.
        """
        if self._consumer.clock.problem:
            self._consumer.end(End.CLOCK_WRONG)  # they come again, once it is right
            return
        early, self._early = self._early, []
        for outcome in early:
            self._settle.put(outcome)

    async def _look_up(self) -> None:
        """Ask the ledger about the people of the batch; also where all are known, to see that it is ours."""
        emails, users = self._in_hand.directory.unknown(self._batch)
        # Where nothing older than the batch is in hand, the account may be taken anew.
        may_take = len(self._consumer.unsettled) <= len(self)
        known = await self._ledger.load(emails, users, may_take=may_take)
        self._in_hand.moves.learn(self._ledger.recent_moves)
        self._in_hand.taggings.learn(self._ledger.recent_taggings)
        self._in_hand.directory.learn(emails, users, known)
        await self._look_up_kept()

    async def _look_up_kept(self) -> None:
        """Ask the ledger which events are kept of those people whose events are to be heard anew."""
        at = self._in_hand.directory.at
        emails = {
            at(item.email).record.email
            for item in self._batch
            if item.event and item.event.origin is Origin.ANEW
        }
        self._kept = await self._ledger.kept(emails) if emails else {}

    def _current(self, item: Item) -> Item | None:
        """Return an item as it is in this tenure and under this mapping, either of which may be new."""
        same = item.epoch == self._ledger.epoch and item.version == self.account.version
        read = item if same else self._decoded(item.delivery)
        return None if read is None else self._interpreted(read)

    def _take_in(self, item: Item) -> None:
        current = self._current(item)
        if current is None:
            return
        if any(map(bool, self._in_hand.directory.unknown((current,)))):
            self._again.append(current)  # whoever knew the person let go meanwhile
            return
        named = named_by(self._in_hand.directory, current)
        is_anew = current.event is not None and current.event.origin is Origin.ANEW
        # What was taken in before, and the ledger does not have yet, is to be heard, too.
        if named & self._waited_for or (is_anew and self._in_hand.is_busy_with(current.email)):
            self._park(current, named)
            return
        if is_anew:
            current = self._heard_anew(current)
        taken = self._in_hand.take_in(current, item.delivery.received_at.timestamp())
        if taken is None:
            self._park(current, named)
        elif isinstance(taken, Outcome):
            self._settle.put(taken)
        else:
            self._backlog.add(taken)

    def _park(self, item: Item, named: set[str]) -> None:
        """Let an event wait for somebody else's work, and what comes of the same people wait behind it."""
        self._parked.append(item)
        self._waited_for |= named

    def _heard_anew(self, item: Item) -> Item:
        """Return an item with all that its person's events ask for by now, as far as they are kept."""
        account, now = self.account, item.delivery.received_at
        subscriber = self._in_hand.directory.at(item.email)
        record = subscriber.record
        messages = self._kept.get(record.email, ())
        kept = [as_delivered(account.name, message, now) for message in messages if message]
        heard = read_kept(kept, account, self._ledger.home_app, record.facts)
        asked = [asked_by(each, account) for each in heard]
        return structs.replace(item, change=all_anew(asked), anew=due_anew(asked, subscriber))
