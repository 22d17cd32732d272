"""One person's way through the real core, from an account's file to what Kit has, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import dumps

from msgspec import structs

from tests.unit.examples import EMAIL, NOON
from tests.unit.subscribers.any_order import Chance, Worker
from tests.unit.subscribers.in_order import Kit
from worker.accounts.account import Account
from worker.consumer.interpreting import interpreted
from worker.events.delivery import Delivery
from worker.events.event import Due, Event
from worker.kit.job import NobodyThere
from worker.kit.plan import FindSubscriber, Unsubscribe, Upsert, plan
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.identity import id_key, person_in
from worker.subscribers.item import Item, Outcome
from worker.subscribers.learning import owe
from worker.subscribers.mark import timer_id
from worker.subscribers.parts import tag_key
from worker.subscribers.record import Record
from worker.subscribers.redressing import redress
from worker.subscribers.remedies import SeenPerson
from worker.subscribers.subscriber import Subscriber

ALL_WELL: Iterator[int] = iter(())


@dataclass
class KitOfOne(Kit):
    """What Kit has of the person.

    Attributes:
        state: As Kit calls it; cancelled is who gets no more mail.
    """

    state: str = "active"


class Life(Worker):
    """One person's way through worker after worker, by an account's file.

    Args:
        account: Says what events mean.
        chance: What goes wrong.

    Attributes:
        now: The moment at which events are interpreted.
        owed: What could not be applied, for people.
    """

    kit: KitOfOne

    def __init__(self, account: Account, chance: Chance | None = None) -> None:
        self.now = NOON + timedelta(hours=1)
        self.owed: list[str] = []
        self._account = account
        self._events: list[Event] = []
        self._due: list[tuple[datetime, Event]] = []
        super().__init__((), (), chance or Chance(ALL_WELL))
        self.kit = KitOfOne()

    def hears(self, *events: Event) -> None:
        """Let events come at once, in this order, and be done."""
        self._queue += range(len(self._events), len(self._events) + len(events))
        self._events += events
        self.run()

    @property
    def due(self) -> set[tuple[datetime, str | None]]:
        """What is due, and when: the ids of events."""
        return {(at, event.id) for at, event in self._due}

    def waits_until(self, moment: datetime) -> None:
        """Let time pass, and what is due meanwhile take effect."""
        while due := min((at for at, _ in self._due if at <= moment), default=None):
            self.now = due
            ripe = [
                structs.replace(event, due=Due(timer_id(event, at), at))
                for at, event in self._due
                if at == due
            ]
            self._due = [(at, event) for at, event in self._due if at != due]
            self.hears(*ripe)
        self.now = moment

    def _apply(self) -> None:
        try:
            super()._apply()
        except NobodyThere:
            owe(self._pending[0][2].record, merge_all(item.change for _, item, _ in self._pending))
            for _, item, _ in self._pending:
                self._in_hand.applied(item)
            self._save()
            for _, item, _ in self._pending:
                self._in_hand.let_go(item)
            self._pending = []

    def _looked_at(self, subscriber: Subscriber, change: Change) -> Change:
        kit, record = self.kit, subscriber.record
        keys = {tag_key(tag) for tag in kit.tags}
        fields = {name: value for name, value in kit.fields.items() if value is not None}
        seen = (
            SeenPerson(record.email, kit.state, tags=frozenset(keys), fields=fields) if kit.exists else None
        )
        return redress(change, subscriber, seen, self._now) if change.remedies else change

    def _carry_out(self, record: Record, to_do: Change) -> None:
        steps = plan(to_do, self._account.options, known=record.kit_id is not None)
        if steps and isinstance(steps[0], FindSubscriber) and not self.kit.exists:
            raise NobodyThere
        before = self.kit.exists
        super()._carry_out(record, to_do)
        for step in steps:
            if isinstance(step, Upsert) and not before and step.state:
                self.kit.state = step.state
            if isinstance(step, Unsubscribe):
                self._call(record, NOTHING, lambda: setattr(self.kit, "state", "cancelled"))
                record.unsubscribed = step.part

    def _item(self, number: int, *, again: bool) -> Item | None:
        event = self._events[number]
        _, user_id = person_in(event.data)
        user = None if user_id is None else id_key(user_id)
        body = dumps({"data": event.data}).encode()
        delivery = Delivery(body, event.type, redelivered=again, received_at=self.now)
        item = interpreted(Item(delivery, event, EMAIL, user), self._account)
        if isinstance(item, Outcome):
            return None
        self.owed += [str(item.refusal)] if item.refusal else []
        if item.later is not None and (item.later.at, event) not in self._due:
            self._due.append((item.later.at, event))
        return item
