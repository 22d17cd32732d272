"""Of each kind only the newest event is kept: what a person has by others stays, whatever is heard anew."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, parse
from tests.unit.consumer.anew.renewed import ANEW, Renewed, happened, has
from tests.unit.examples import NOON
from tests.unit.subscribers.any_order import Chance
from tests.unit.subscribers.people_model import Does, Said, file_of
from tests.unit.subscribers.test_people import EXAMPLES, a_late_copy, a_life, event_of
from worker.events.event import Event

FILE = f"""{KIT}
events:
  subscription.started: {{add_tags: [Active, "Plan {{mk_subscription_plan}}"]}}
  access.granted: {{add_tags: ["{{mk_access_level}} access"]}}
  order.paid: {{add_tags: ["Bought {{data.order.product}}"]}}
"""
SAYS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "subscription.started": (
        {"subscription": {"id": "s1", "plan": "Book"}},
        {"subscription": {"id": "s1", "plan": "Course"}},
    ),
    "access.granted": ({"access": {"level": "Basic"}}, {"access": {"level": "Pro"}}),
    "order.paid": ({"order": {"product": "Book"}}, {"order": {"product": "Course"}}),
}


class Kept(Renewed):
    """One person's way, where the ledger keeps the newest event of each type and subscription."""

    def _is_heard_anew(self, event: Event) -> bool:
        mine = [each for each in self._events if each.type != ANEW and _kind(each) == _kind(event)]
        return super()._is_heard_anew(event) and event.order == max(each.order for each in mine)


def _kind(event: Event) -> tuple[str, Any, Any]:
    subscription = event.data.get("subscription")
    of = subscription.get("id") if isinstance(subscription, dict) else None
    return event.type, event.data["user"].get("id"), of  # type: ignore[union-attr]


@pytest.mark.parametrize("second", [0, 5])
@pytest.mark.parametrize("kind", SAYS)
def test_what_another_event_of_the_kind_gave_stays_also_of_the_same_second(kind: str, second: int) -> None:
    life = Kept(parse(FILE))
    one, other = SAYS[kind]
    life.hears(happened(kind, 1, 0, one), happened(kind, 2, second, other))
    before = has(life)
    life.comes_under(parse(FILE))
    assert has(life) == before


def test_what_the_one_that_is_kept_gave_goes_under_a_file_that_gives_something_else() -> None:
    """Given two orders of one second, of which the ledger keeps the second, that one is what it is now."""
    life = Kept(parse(FILE))
    one, other = SAYS["order.paid"]
    life.hears(happened("order.paid", 1, 0, one), happened("order.paid", 2, 0, other))
    life.comes_under(parse(FILE.replace("Bought", "Owns")))
    assert life.kit.tags == {"Bought Book", "Owns Course"}


def test_an_event_that_is_known_to_have_come_earlier_is_the_same_when_it_is_heard_anew() -> None:
    """Given a copy that shows that an event came before another, what that event gave is still its own."""
    life = Kept(parse(FILE))
    started = happened("subscription.started", 5, 0, SAYS["subscription.started"][0])
    life.hears(a_late_copy(started), happened("access.granted", 50, 0, SAYS["access.granted"][0]), started)
    life.comes_under(parse(f"{KIT}events: {{subscription.started: null}}"))
    assert life.kit.tags == {"Basic access"}


@settings(max_examples=EXAMPLES)
@given(a_life(), st.data())
def test_under_the_same_file_all_stays_as_it_is(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    """Given any events, of which some are not kept, and any failures: hearing them anew changes nothing."""
    mapping, said = drawn
    for each in said:
        note(str(each))
    note(file_of(mapping))
    account = parse(KIT + file_of(mapping))
    faults = data.draw(st.lists(st.integers(0, 59), max_size=40))
    life = Kept(account, Chance(iter(faults)))
    life.now = NOON + timedelta(seconds=1000)
    life.hears(*data.draw(st.permutations([event_of(each, mapping) for each in said])))
    before = has(life)
    life.comes_under(account)
    assert has(life) == before
