"""A backlog of people by name, and what of their events ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from msgspec import structs

from tests.unit.consumer.world import adds
from tests.unit.examples import change, event
from worker.accounts.account import Account
from worker.consumer.backlog import Backlog, Pending
from worker.consumer.settle import Settle
from worker.errors import EventError
from worker.events.delivery import Delivery
from worker.events.event import Due
from worker.mapping import EventMapping, Rule, Template
from worker.subscribers.change import Change
from worker.subscribers.item import Item, Outcome
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber


@dataclass
class Ends:
    """In place of settle: notes the numbers of events that end."""

    numbers: list[int] = field(default_factory=list)

    def put(self, outcome: Outcome) -> None:
        """Note it."""
        self.numbers.append(outcome.item.delivery.tag)


class People:
    """A backlog of people by name."""

    def __init__(self) -> None:
        self.ends = Ends()
        self.backlog = Backlog(adds("Old"), cast("Settle", self.ends), {})
        self.version = "1"
        self._people: dict[str, Subscriber] = {}

    def add(
        self,
        name: str,
        number: int,
        asked: Change | None = None,
        kind: str = "user.signed_up",
        refusal: EventError | None = None,
        due: Due | None = None,
        since: float = 0.0,
    ) -> None:
        """Fold event `number` of a person."""
        person = self._people.setdefault(name, Subscriber(Record(name)))
        happened = structs.replace(event(number, kind), due=due)
        item = Item(Delivery(b"", "", tag=number, since=since), happened, name, refusal=refusal)
        asked = change(number) if asked is None else asked
        self.backlog.add(structs.replace(item, change=asked, subscriber=person, version=self.version))

    def take(self, now: float = 0.0) -> Pending:
        """Take whoever is next."""
        pending = self.backlog.take(now)
        assert pending is not None
        return pending

    def next(self, now: float = 0.0, last_old: float = float("inf")) -> str | None:
        """Take whoever is next; the name."""
        pending = self.backlog.take(now, last_old)
        return None if pending is None else name_of(pending)

    def refold(self, account: Account) -> None:
        """Put another mapping into force."""
        self.version = account.version
        self.backlog.refold(account)

    @property
    def waiting(self) -> list[int]:
        """The numbers of all events that wait."""
        return [item.delivery.tag for item in self.backlog.items()]


def name_of(pending: Pending) -> str:
    return pending.subscriber.record.email


def numbers(pending: Pending) -> list[int]:
    return [each.delivery.tag for each in pending.items]


def maps(*kinds: str, tag: str = "New", version: str = "2") -> Account:
    """An account whose new file has these event types add a tag, and names no others."""
    rule = Rule(add_tags=(Template(tag),))
    return Account("main", events=dict.fromkeys(kinds, EventMapping(rule)), version=version)
