"""What the tests of events that are heard anew need: one person's way, over changes of the file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from json import dumps
from typing import Any

from msgspec import structs

from tests.unit.examples import EMAIL, NOON
from tests.unit.subscribers.people_core import Life
from worker.accounts.account import Account
from worker.consumer.anew import all_anew, asked_by
from worker.consumer.due_message import due_anew
from worker.events.delivery import Delivery
from worker.events.event import Event, OrderKey
from worker.events.values import time_text
from worker.subscribers.copies import known_place
from worker.subscribers.due_effect import DueAnew, DueEffect, EventName
from worker.subscribers.identity import id_key, person_in
from worker.subscribers.item import Item
from worker.subscribers.mark import event_name
from worker.subscribers.record import Record
from worker.subscribers.subscriber import Subscriber

ANEW = "kit-worker.anew"


class Renewed(Life):
    """One person's way, over a change of the account's file that reaches back."""

    def comes_under(self, account: Account) -> None:
        """Put another file into force, and hear all events anew."""
        self._account = account
        at = self.now + timedelta(seconds=1)
        self.hears(Event(ANEW, at, OrderKey("", at, 10**6), {"user": {"email": EMAIL}}, id=f"anew-{at}"))

    def _item(self, number: int, *, again: bool) -> Item | None:
        event = self._events[number]
        if event.type != ANEW:
            return super()._item(number, again=again)
        kept = [self._kept(each) for each in self._events if self._is_heard_anew(each)]
        asked = [asked_by(item, self._account) for item in kept]
        self._set(due_anew(asked, Subscriber(Record(EMAIL))))
        delivery = Delivery(b"", event.type, redelivered=again, received_at=self.now)
        return Item(delivery, event, EMAIL, change=all_anew(asked))

    def _set(self, anew: DueAnew) -> None:
        """Do what the ledger does with timers."""
        by_name = {event_name(each): each for each in self._events if self._is_heard_anew(each)}
        self._due = [(at, event) for at, event in self._due if event_name(event) not in anew.events]
        self._due += [(datetime.fromtimestamp(each.at, UTC), by_name[_name(each)]) for each in anew.effects]

    def _is_heard_anew(self, event: Event) -> bool:
        return event.type != ANEW and event.due is None

    def _kept(self, event: Event) -> Item:
        event = structs.replace(event, order=known_place(event, self.kept.facts))
        _, user_id = person_in(event.data)
        delivery = Delivery(dumps({"data": event.data}).encode(), event.type, received_at=self.now)
        return Item(delivery, event, EMAIL, None if user_id is None else id_key(user_id))


def _name(effect: DueEffect) -> EventName:
    return EventName(effect.event_type, effect.event_id, time_text(effect.event_time))


def has(life: Life) -> tuple[set[str], dict[str, str]]:
    """Return what the person has in Kit; a field that was cleared is none."""
    return set(life.kit.tags), {name: value for name, value in life.kit.fields.items() if value is not None}


def happened(kind: str, number: int, second: int, data: dict[str, Any]) -> Event:
    """Return what happened so many seconds after noon, and arrived as the message of a number."""
    time = NOON + timedelta(seconds=second)
    return Event(kind, time, OrderKey("", time, number), {"user": {"email": EMAIL}} | data, id=f"e{number}")
