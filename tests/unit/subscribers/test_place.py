"""What is known by an event has its place, also where that turns out to be an earlier one."""

from __future__ import annotations

from msgspec import structs

from tests.unit.examples import EMAIL, change, order
from worker.subscribers.change import Change
from worker.subscribers.fact import Fact
from worker.subscribers.parts import Part, TagWish, slot_key
from worker.subscribers.place import Placing, place_anew
from worker.subscribers.record import Record

LATE, FIRST = order(1)._replace(arrival=9), order(1)
FACT = Fact(LATE, opens=True, event="mark")


def knowing(at: Fact) -> Record:
    """Somebody of whom all is known by one event."""
    said = structs.replace(
        change(1, add=("VIP",), fields={"Plan": "Gold"}, first_name="Ada", ensure=False), creates=None
    )
    asked = Placing(order(1), at.order).change(said)
    yes = Part(value=True, order=at.order)
    gave = {slot_key("s", "VIP"): Part(TagWish("VIP", present=True), at.order)}
    record = Record(EMAIL, 7, facts=(at,), gave=gave, ensured=at.order, base=asked, owed=asked)
    record.tags_off = record.fields_off = record.unsubscribed = yes
    record.note(asked, 1.0, {})
    return record


def told(record: Record) -> tuple[object, ...]:
    """All that has a place."""
    parts: Change = record.done
    return (
        parts,
        record.gave,
        record.base,
        record.owed,
        record.tags_off,
        record.fields_off,
        record.unsubscribed,
    )


def test_all_that_is_known_by_an_event_goes_with_it() -> None:
    record = knowing(FACT)
    place_anew(record, (structs.replace(FACT, order=FIRST),))
    assert told(record) == told(knowing(structs.replace(FACT, order=FIRST)))


def test_what_is_known_by_others_stays() -> None:
    record = knowing(FACT)
    before = told(record)
    place_anew(record, (FACT, structs.replace(FACT, order=FIRST, event="another")))
    assert told(record) == before
