"""Another mapping for events of before: the person ends as if they had come under it from the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from json import dumps

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, parse
from tests.unit.examples import EMAIL, NOON
from tests.unit.subscribers.people_core import Life
from tests.unit.subscribers.people_model import Does, Person, Said, file_of, right
from tests.unit.subscribers.test_any_order import Chance
from tests.unit.subscribers.test_people import EXAMPLES, a_life, a_mapping, as_model, event_of, shown
from worker.accounts.account import Account
from worker.consumer.anew import all_anew, asked_by
from worker.events.delivery import Delivery
from worker.events.event import Event, OrderKey
from worker.subscribers.identity import id_key, person_in
from worker.subscribers.item import Item

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
        kept = [self._kept(each) for each in self._events if each.type != ANEW]
        delivery = Delivery(b"", event.type, redelivered=again, received_at=self.now)
        return Item(
            delivery, event, EMAIL, change=all_anew((item, asked_by(item, self._account)) for item in kept)
        )

    def _kept(self, event: Event) -> Item:
        _, user_id = person_in(event.data)
        delivery = Delivery(dumps({"data": event.data}).encode(), event.type, received_at=self.now)
        return Item(delivery, event, EMAIL, None if user_id is None else id_key(user_id))


def under(said: list[Said], before: Mapping[str, Does], after: Mapping[str, Does]) -> list[Said]:
    """Return the same events, as another file understands them."""
    kinds = {id(does): kind for kind, does in before.items()}
    return [replace(each, does=after[kinds[id(each.does)]]) for each in said]


def ends_as(life: Life, should: Person) -> None:
    """Fail unless the person has in Kit what the model says."""
    has, wanted = as_model(life.kit, should), shown(should)
    sets = {name: value for name, value in has.sets.items() if value is not None}
    assert (has.tags, sets, has.shown) == (wanted.tags, wanted.sets, wanted.shown)


@settings(max_examples=EXAMPLES)
@given(a_life(), a_mapping(), a_mapping(), st.lists(st.integers(0, 59), max_size=40))
def test_all_ends_as_if_the_new_file_had_been_there_from_the_start(
    drawn: tuple[dict[str, Does], list[Said]],
    second: dict[str, Does],
    third: dict[str, Does],
    faults: list[int],
) -> None:
    """Given any events under one file, then another, and another, under faults: the last one's word holds."""
    first, said = drawn
    for each in said:
        note(str(each))
    for mapping in (first, second, third):
        note(file_of(mapping))
    life = Renewed(parse(KIT + file_of(first)), Chance(iter(faults)))
    life.now = NOON + timedelta(seconds=1000)
    life.hears(*(event_of(each, first) for each in said))
    for mapping in (second, third):
        life.comes_under(parse(KIT + file_of(mapping)))
        life.now += timedelta(seconds=10)
        ends_as(life, right(under(said, first, mapping)))
