"""What somebody changed in Kit is put right, or taken over, whatever the order, copies and failures."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import msgspec
from hypothesis import given, note, settings
from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, parse
from tests.unit.examples import EMAIL, NOON, change, order
from tests.unit.subscribers.any_order import Chance, deliveries_of
from tests.unit.subscribers.in_order import Kit
from tests.unit.subscribers.people_core import Life
from tests.unit.subscribers.people_model import Does, Said, file_of, right
from tests.unit.subscribers.test_people import a_life, as_model, event_of, shown, somebody_changes
from worker.events.event import FIRST, Event, OrderKey, Origin
from worker.mapping import Options
from worker.ops.drift import compare
from worker.ops.drift.compare import NamesAtKit, SubscriberAtKit
from worker.subscribers.change import Change
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.fact import Fact
from worker.subscribers.learning import finish
from worker.subscribers.parts import Part, TagWish, tag_key
from worker.subscribers.record import Record
from worker.subscribers.redressing import NOT_NAMED, redress
from worker.subscribers.remedies import SeenPerson
from worker.subscribers.subscriber import Subscriber

EXAMPLES: Final = int(os.environ.get("PEOPLE_EXAMPLES", "200"))


def differences(record: Record, kit: Kit) -> list[DriftRow]:
    """Return what Kit has otherwise than the ledger says, as a comparison finds it."""
    tags = {key: number for number, key in enumerate(record.tags, 1)}
    fields = {name: number for number, name in enumerate(record.fields, 1)}
    names = NamesAtKit(
        {number: key for key, number in tags.items()}, tags,
        {number: name for name, number in fields.items()}, fields, {},
    )  # fmt: skip
    has = {tags[key] for tag in kit.tags if (key := tag_key(tag)) in tags}
    return compare.differences(
        record, SubscriberAtKit(EMAIL, "active", "", kit.fields, has), names, Options()
    )


def asking(number: int, rows: Iterable[DriftRow], second: float, origin: Origin) -> Event:
    """Return what is put into the queue about differences that were seen at a time."""
    time = NOON + timedelta(seconds=second)
    data: dict[str, Any] = {"user": {"email": EMAIL}, "differences": msgspec.to_builtins(list(rows))}
    return Event("own", time, OrderKey("", time, number), data, id=f"own-{number}", origin=origin)


# -- in any order --------------------------------------------------------------------------------------------


@settings(max_examples=EXAMPLES)
@given(a_life(), st.data())
def test_what_is_put_right_is_then_as_the_events_say(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    """Given a repair, several times, among events and failures, Kit has then what the events ask for."""
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
    rows = differences(life.kept, life.kit)

    rest = [events[number] for number in deliveries[cut:]]
    for number in data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=3)):
        rest.insert(data.draw(st.integers(0, len(rest))), asking(number, rows, 1800, Origin.REPAIR))
    life.hears(*rest)

    should = shown(right(said))
    assert as_model(life.kit, should) == should
    assert not [row for row in differences(life.kept, life.kit) if not row.name.startswith("mk_")]


@settings(max_examples=EXAMPLES)
@given(a_life(), st.data())
def test_what_is_taken_over_stands_like_an_event_of_its_time(
    drawn: tuple[dict[str, Does], list[Said]], data: st.DataObject
) -> None:
    """Given what somebody did by hand is taken over, it is as if an event had said so: newer ones stand."""
    mapping, said = drawn
    events = [event_of(each, mapping) for each in said]
    deliveries = data.draw(deliveries_of(len(events)))
    second = data.draw(st.integers(0, 12)) + 0.25
    early = [number for number in deliveries if said[number].second < second]
    cut = data.draw(st.integers(0, len(early)))
    chance = Chance(iter(data.draw(st.lists(st.integers(0, 59), max_size=40))))
    life = Life(parse(KIT + file_of(mapping)), chance)
    life.hears(*(events[number] for number in early[:cut]))
    off = sorted(part.value.name for part in life.kept.done.tags.values() if not part.value.present)
    somebody_changes(life.kit, off, data)
    rows = [row for row in differences(life.kept, life.kit) if not row.name.startswith(("mk_", "Group"))]
    by_hand = Said(99, as_event(rows), second)  # type: ignore[arg-type]  # between two seconds
    note(str(by_hand))

    for number in data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=3)):
        life.hears(asking(number, rows, second, Origin.ADOPT))
    assert not [row for row in differences(life.kept, life.kit) if row in rows]
    left = differences(life.kept, life.kit)
    life.hears(asking(7, left, 0, Origin.REPAIR))  # what is of no event
    life.hears(*(events[number] for number in deliveries))

    should = shown(right([*said, by_hand] if rows else said))
    assert as_model(life.kit, should) == should


def as_event(rows: Iterable[DriftRow]) -> Does:
    """Return what an event would do that says what somebody did by hand."""
    rows = list(rows)
    return Does(
        add=tuple(row.name for row in rows if row.kind is DriftKind.TAG_BACK),
        remove=tuple(row.name for row in rows if row.kind is DriftKind.TAG_MISSING),
        sets=tuple((row.name, row.kit) for row in rows if row.kind is DriftKind.FIELD),
    )


# -- one by one ----------------------------------------------------------------------------------------------


def known() -> Subscriber:
    """Ada as the first event has left her."""
    record, asked = Record(EMAIL, 7), change(add=("VIP",), fields={"Plan": "Gold"}, first_name="Ada")
    record.note(asked, NOON.timestamp(), {})
    finish(record, asked)
    return Subscriber(record)


def seen(subscriber: Subscriber, row: DriftRow, *, adopts: bool, has: SeenPerson | None) -> Change:
    """Look at Ada again for one difference."""
    remedy = Remedy(row, order(3600), adopts)
    return redress(Change(remedies=frozenset({remedy})), subscriber, has, NOON.timestamp())


def test_what_is_put_right_comes_before_nothing_newer() -> None:
    """Given a missing tag, what is asked for is what the event asked for that gave it."""
    ada = known()

    asked = seen(ada, DriftRow(DriftKind.TAG_MISSING, "VIP"), adopts=False, has=SeenPerson(EMAIL))

    assert {key: part.order for key, part in asked.tags.items()} == {"vip": order(1)}
    assert asked.given_again == {"vip"}
    assert ada.record.tags["vip"].at == 0.0


def test_who_is_named_only_when_created_is_not_named_again() -> None:
    ada = known()
    remedy = Remedy(DriftRow(DriftKind.FIRST_NAME, kit="Augusta"), order(3600))
    has = SeenPerson(EMAIL, first_name="Augusta")

    rest = redress(Change(remedies=frozenset({remedy})), ada, has, 0.0, names_all=False)

    assert (rest, ada.looked_at) == (Change(), {remedy: NOT_NAMED})


def test_whoever_was_deleted_has_nothing_and_keeps_what_the_platform_said() -> None:
    """Given somebody whom no event made, all that was given is off, and subscriptions are known still."""
    ada = known()
    ada.record.ensured = FIRST
    ada.record.facts = facts = (Fact(order(2), opens=True, subscription="s-1"),)

    assert seen(ada, DriftRow(DriftKind.DELETED), adopts=True, has=None) == Change()

    record = ada.record
    assert (record.kit_id, record.first_name, record.facts) == (None, None, facts)
    off = Part(value=True, order=order(3600))
    assert (record.maybe_tags, record.tags_off, record.fields_off) == ({}, off, off)
    assert (record.ended, record.fields["Plan"].part) == (order(3600), Part(None, order(3600)))


def test_an_address_is_left_to_the_caller() -> None:
    row = DriftRow(DriftKind.ADDRESS, kit="ada@new.example")

    rest = seen(known(), row, adopts=True, has=SeenPerson("Ada@New.example"))

    assert [remedy.row for remedy in rest.remedies] == [row]


def test_what_is_taken_over_comes_after_events_that_have_a_sequence() -> None:
    """Given a publisher that numbers its events, Kit's word stands against those before, and no others."""
    ada = known()
    numbered = OrderKey("00542", NOON, 3)
    ada.record.confirm(Change(tags={"vip": Part(TagWish("VIP", present=True), numbered)}))

    seen(ada, DriftRow(DriftKind.TAG_MISSING, "VIP"), adopts=True, has=SeenPerson(EMAIL))

    part = ada.record.tags["vip"].part
    assert numbered < part.order < OrderKey("00543", NOON, 4)
    assert not part.value.present
