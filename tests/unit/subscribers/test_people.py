"""What people end up with, by the real core, in any order, with duplicates and failures, against the model.

More examples than the gate tries:
`PEOPLE_EXAMPLES=20000 .venv/bin/pytest --timeout 0 tests/unit/subscribers/test_people.py`.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from msgspec import structs

from tests.unit.accounts.harness import KIT, parse
from tests.unit.examples import EMAIL, NOON
from tests.unit.subscribers.any_order import Chance, deliveries_of
from tests.unit.subscribers.in_order import Kit
from tests.unit.subscribers.people_core import Life
from tests.unit.subscribers.people_model import PLAN, Does, Person, Said, file_of, right
from worker.events.event import Event, OrderKey, Origin

EXAMPLES: Final = int(os.environ.get("PEOPLE_EXAMPLES", "200"))
KINDS: Final = (
    "subscription.started", "subscription.canceled", "club.joined", "club.left", "order.paid", "plan.changed",
)  # fmt: skip
GONE: Final = "user.deleted"


def event_of(said: Said, mapping: Mapping[str, Does]) -> Event:
    """Return the event as the platform sends it."""
    user: dict[str, Any] = {"email": EMAIL} | ({"id": said.user} if said.user else {})
    subscription = {"plan": said.plan} | ({"id": said.subscription} if said.subscription else {})
    kind = next(kind for kind, does in mapping.items() if does is said.does)
    if kind == "club.left":  # the platform's own type implies it
        subscription |= {"canceled_at": _time(said.second)}
    data: dict[str, Any] = {
        "user": user,
        **({"subscription": subscription} if said.does.lifecycle else {"plan": said.plan}),
    }
    time = NOON + timedelta(seconds=said.second)
    return Event(kind, time, OrderKey("", time, said.number), data, id=f"event-{said.number}")


def as_model(kit: Kit, should: Person) -> Person:
    """Return what Kit has, in the model's words, as far as the model speaks of it."""
    shown = {name: kit.fields.get(_called(name)) for name in should.shown}
    return Person(
        kit.tags, {name: value for name, value in kit.fields.items() if not name.startswith("mk_")}, shown
    )


def _called(name: str) -> str:
    return f"mk_subscription_{name}"


def shown(person: Person) -> Person:
    """Return what should be, with times as Kit shows them."""
    at = person.shown.get("canceled_at")
    if at is None:
        return person
    return Person(person.tags, person.sets, person.shown | {"canceled_at": _time(int(at))})


def _time(second: int) -> str:
    return (NOON + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


# -- lists of events --------------------------------------------------------------------------------------

tags = st.sampled_from(["Member", "VIP", f"Plan {PLAN}"])
marks = st.sampled_from(["Cancelled", "Churned", f"Left {PLAN}"])


def some(names: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Draw some names, each once."""
    return st.lists(names, unique=True, max_size=3).map(tuple)


@st.composite
def a_mapping(draw: st.DrawFn) -> dict[str, Does]:
    """Draw what event types do: two that open, two that close, and two of another kind."""
    grouped, told = draw(st.booleans()), draw(st.booleans())
    gives = draw(st.sampled_from([f"Group {PLAN}", "Grouped"])) if grouped else ""
    opening: tuple[tuple[str, str | None], ...] = (("Source", "club"), ("Left", None)) if told else ()
    closing: tuple[tuple[str, str | None], ...] = (("Left", "gone"),) if told else ()
    mapping = {
        kind: Does("opens", draw(some(tags)), draw(some(marks)), gives, sets=opening) for kind in KINDS[0:3:2]
    } | {
        kind: Does("closes", draw(some(marks)), draw(some(tags)), empties=grouped, sets=closing)
        for kind in KINDS[1:4:2]
    }
    plain = st.sampled_from(["Member", "VIP", "Cancelled", "Churned"])
    add = draw(some(plain))
    remove = tuple(tag for tag in draw(some(plain)) if tag not in add)
    return {
        **mapping,
        KINDS[4]: Does("", add, remove, sets=(("Source", "shop"),) if told else ()),
        KINDS[5]: Does(gives=gives),
        GONE: Does(deletes=True),
    }


@st.composite
def a_life(draw: st.DrawFn) -> tuple[dict[str, Does], list[Said]]:
    """Draw a mapping and up to eight events of one person.

    Several may happen to one subscription at one time, also as a closing comes before an opening. Where
    events of other kinds happen then, too, all come in the order that they have.
    """
    mapping = draw(a_mapping())
    users = draw(st.sampled_from([("",), ("A",), ("", "A"), ("A", "B"), ("", "A", "B")]))
    subscriptions = draw(
        st.sampled_from([("s1",), ("s1", "s2"), ("", "s1", "s2"), ("s1", "s2", "s3"), ("",)])
    )
    count = draw(st.integers(1, 8))
    events: list[Said] = []
    shared = draw(st.booleans())
    for number in range(count):
        does = mapping[draw(st.sampled_from(KINDS))]
        second = 2 * draw(st.integers(0, 5))
        if not (does.lifecycle or shared):
            second = 2 * number + 13 if second + 1 in {each.second for each in events} else second + 1
        user, subscription = draw(st.sampled_from(users)), draw(st.sampled_from(subscriptions))
        plan = draw(st.sampled_from(["Club", "Bakery"]))
        events.append(Said(number, does, second, user, subscription, plan))
    if shared:
        events.sort(key=lambda said: said.place)
        events = [dataclasses.replace(said, number=number) for number, said in enumerate(events)]
    if draw(st.integers(0, 5)) == 0:
        events.append(Said(count, mapping[GONE], 99))
    return mapping, events


def a_late_copy(event: Event) -> Event:
    """Return a copy of an event that arrived after all others."""
    return structs.replace(event, order=event.order._replace(arrival=event.order.arrival + 100))


@settings(max_examples=EXAMPLES)
@given(a_life(), st.data())
def test_any_order_ends_as_people_mean_it(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    """Given any events, in any order, cut anyhow, with copies and failures, the end is the model's."""
    mapping, said = drawn
    account = parse(KIT + file_of(mapping))
    events = [event_of(each, mapping) for each in said]
    for each in said:
        note(str(each))
    # Of what is old when it comes nothing is kept but facts: so copies of others come in their place.
    of_subscriptions = [each for each, what in zip(events, said, strict=True) if what.does.lifecycle]
    again = data.draw(st.lists(st.sampled_from(of_subscriptions or [events[0]]), max_size=4))
    late = [a_late_copy(each) if of_subscriptions else each for each in again]
    deliveries = [events[number] for number in data.draw(deliveries_of(len(events)))]
    faults = data.draw(st.lists(st.integers(0, 59), max_size=40))

    life = Life(account, Chance(iter(faults)))
    life.hears(*data.draw(st.permutations([*deliveries, *late])))

    assert not life.owed
    should = shown(right(said))
    assert as_model(life.kit, should) == should


def asked_again(number: int, email: str = EMAIL) -> Event:
    """Return what is put into the queue for whoever asks that Kit be told all again."""
    time = NOON + timedelta(minutes=30)
    data: dict[str, Any] = {"user": {"email": email}}
    return Event("again", time, OrderKey("", time, number), data, id=f"again-{number}", origin=Origin.AGAIN)


def somebody_changes(kit: Kit, off: list[str], data: st.DataObject) -> None:
    """Let somebody take tags off in Kit, put those on that should be off, and change fields."""
    lost = data.draw(st.sets(st.sampled_from(sorted(kit.tags)))) if kit.tags else set()
    gained = data.draw(st.sets(st.sampled_from(off))) if off else set()
    kit.tags ^= lost | (gained - kit.tags)
    for name in sorted(kit.fields):
        match data.draw(st.integers(0, 2)):
            case 1:
                del kit.fields[name]
            case 2:
                kit.fields[name] = "by hand"


@settings(max_examples=EXAMPLES)
@given(a_life(), st.data())
def test_what_somebody_changed_in_kit_is_put_right_by_whoever_asks_for_all_again(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    """Given that it is asked for once or more, among events and failures, nothing newer is undone."""
    mapping, said = drawn
    events = [event_of(each, mapping) for each in said]
    deliveries = data.draw(deliveries_of(len(events)))
    cut = data.draw(st.integers(0, len(deliveries)))
    life = Life(
        parse(KIT + file_of(mapping)), Chance(iter(data.draw(st.lists(st.integers(0, 59), max_size=40))))
    )
    life.hears(*(events[number] for number in deliveries[:cut]))
    off = sorted(part.value.name for part in life.kept.done.tags.values() if not part.value.present)
    somebody_changes(life.kit, off, data)

    rest = [events[number] for number in deliveries[cut:]]
    for number in data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=3)):
        rest.insert(data.draw(st.integers(0, len(rest))), asked_again(number))
    life.hears(*rest)

    should = shown(right(said))
    assert as_model(life.kit, should) == should


def test_what_is_asked_again_of_somebody_unknown_is_nothing() -> None:
    life = Life(parse(KIT))
    life.hears(asked_again(1))
    assert not life.kit.exists
    assert life.kept.is_blank


# -- the model itself, by examples that were agreed upon ---------------------------------------------------

STARTED: Final = Does("opens", ("Active Member",), ("Cancelled",), f"Plan {PLAN}")
CANCELED: Final = Does("closes", ("Cancelled",), ("Active Member",), empties=True)
CHANGED: Final = Does(gives=f"Plan {PLAN}")
AGREED: Final = {KINDS[0]: STARTED, KINDS[1]: CANCELED, KINDS[5]: CHANGED}
CLUB: Final = Said(0, STARTED, 1, subscription="s1")
BAKERY: Final = Said(1, STARTED, 2, subscription="s2", plan="Bakery")


@pytest.mark.parametrize(
    ("said", "should"),
    [
        ([CLUB, BAKERY], {"Active Member", "Plan Bakery"}),
        ([CLUB, BAKERY, Said(2, CANCELED, 3, subscription="s1")], {"Active Member", "Plan Bakery"}),
        ([CLUB, BAKERY, Said(2, CANCELED, 3, subscription="s2")], {"Active Member", "Plan Club"}),
        ([CLUB, BAKERY, Said(2, CANCELED, 3)], {"Cancelled"}),
        ([CLUB, Said(1, CANCELED, 1, subscription="s1")], {"Cancelled"}),
        ([CLUB, Said(1, STARTED, 9, subscription="s2"), Said(2, CANCELED, 9, subscription="s1")],
         {"Active Member", "Plan Club"}),
        ([Said(0, STARTED, 1, "A"), Said(1, STARTED, 2, "B"), Said(2, CANCELED, 3, "A")],
         {"Active Member", "Plan Club"}),
        ([Said(0, STARTED, 1, plan="Gold"), Said(1, CHANGED, 2, plan="Silver")],
         {"Active Member", "Plan Silver"}),
        ([CLUB, Said(1, CANCELED, 2, subscription="s1"), BAKERY], {"Active Member", "Plan Bakery"}),
        ([Said(0, STARTED, 1), Said(1, CANCELED, 2, subscription="s1")], {"Cancelled"}),
        ([CLUB, BAKERY, Said(2, STARTED, 3, subscription="s1"), Said(3, STARTED, 4, subscription="s3"),
          Said(4, CANCELED, 5, subscription="s3")], {"Active Member", "Plan Club"}),
    ],
)  # fmt: skip
def test_model_and_core_say_what_was_agreed_upon(said: list[Said], should: set[str]) -> None:
    life = Life(parse(KIT + file_of(AGREED)))
    life.hears(*(event_of(each, AGREED) for each in reversed(said)))

    assert right(said).tags == should
    assert life.kit.tags == should
