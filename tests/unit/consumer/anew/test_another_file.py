"""Another mapping for events of before: the person ends as if they had come under it from the start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, parse
from tests.unit.consumer.anew.renewed import Renewed, has
from tests.unit.examples import EMAIL, NOON
from tests.unit.subscribers.any_order import Chance
from tests.unit.subscribers.people_core import Life
from tests.unit.subscribers.people_model import Does, Person, Said, file_of, right
from tests.unit.subscribers.test_people import EXAMPLES, a_life, a_mapping, as_model, event_of, shown
from worker.events.event import Event, OrderKey


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


# -- what takes effect later ------------------------------------------------------------------------------

FAULTS = st.lists(st.integers(0, 59), max_size=40)
HOURS = st.integers(1, 6)
TAGS = st.sampled_from(["Early", "Late", "VIP"])
LATEST = NOON + timedelta(days=1)


@st.composite
def a_timed_file(draw: st.DrawFn, *, maps_all: bool = False) -> str:
    """Draw what an event does: at once, at its time, until a time, or nothing at all."""
    lines = []
    for kind, opens in (("order.paid", False), ("trial.began", False), ("subscription.canceled", True)):
        if maps_all or draw(st.booleans()):
            until = ", until: data.until" if draw(st.booleans()) else ""
            at = "at: data.at, " if draw(st.booleans()) else ""
            off = "remove_tags: [Member], " if opens else ""
            sets = f", set_fields: {{Source: {kind}}}" if draw(st.booleans()) else ""
            lines.append(f"  {kind}: {{{at}{off}add_tags: [{{tag: {draw(TAGS)}{until}}}]{sets}}}")
        else:
            lines.append(f"  {kind}: null")
    return "\n".join(["events:", "  subscription.started: {add_tags: [Member]}", *lines, ""])


@st.composite
def timed_events(draw: st.DrawFn) -> list[Event]:
    """Draw at most one event of each type, each of another minute, with times before and ahead."""
    kinds = st.lists(st.sampled_from(["order.paid", "trial.began", "subscription.canceled"]), unique=True)
    events = []
    for minute, kind in enumerate(["subscription.started", *draw(kinds)]):
        time = NOON + timedelta(minutes=minute)
        at, until = (f"2026-07-01T{12 + draw(HOURS):02}:30:00Z" for _ in range(2))
        data: dict[str, Any] = {
            "user": {"email": EMAIL, "id": "u-1"}, "subscription": {"id": "s-1"}, "at": at, "until": until,
        }  # fmt: skip
        events.append(Event(kind, time, OrderKey("", time, minute), data, id=f"event-{minute}"))
    return events


@settings(max_examples=EXAMPLES)
@given(timed_events(), a_timed_file(maps_all=True), a_timed_file(), HOURS, FAULTS)
def test_what_takes_effect_later_is_what_it_would_be_under_the_new_file(
    events: list[Event], first: str, second: str, hour: int, faults: list[int]
) -> None:
    """Given files that say otherwise when events take effect, the same is due, and in the end the same so."""
    note(first)
    note(second)
    for each in events:
        note(str(each))
    life = Renewed(parse(KIT + first), Chance(iter(faults)))
    should = Life(parse(KIT + second))
    life.now = should.now = NOON + timedelta(minutes=10)
    life.hears(*events)
    life.waits_until(NOON + timedelta(hours=hour))
    life.comes_under(parse(KIT + second))
    life.now = NOON + timedelta(hours=hour)

    should.hears(*events)
    should.waits_until(NOON + timedelta(hours=hour))

    assert (has(life), life.due) == (has(should), should.due)
    life.waits_until(LATEST)
    should.waits_until(LATEST)
    assert (has(life), life.due) == (has(should), set())
