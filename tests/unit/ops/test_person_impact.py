"""Whom another file treats otherwise: by the model, for any events of one person, and any two files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from json import dumps

from hypothesis import given, note, settings

from tests.unit.accounts.harness import KIT, parse
from tests.unit.examples import NOON
from tests.unit.subscribers.people_core import Life
from tests.unit.subscribers.people_model import Does, Said, file_of, right
from tests.unit.subscribers.test_people import EXAMPLES, a_life, a_mapping, event_of
from worker.accounts.account import Account
from worker.events.decode import decode
from worker.events.delivery import Delivery
from worker.events.event import Event
from worker.ops.person_impact import Files, PersonImpact, impact_now
from worker.subscribers.change import Change
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag

ADA = "ada@example.com"


def delivery_of(event: Event) -> Delivery:
    """Return an event as the ledger keeps it."""
    body = {"id": event.id, "type": event.type, "time": event.time.isoformat(), "data": event.data}
    headers = {"x-event-arrival": str(event.order.arrival)}
    return Delivery(dumps(body).encode(), "", {}, headers, received_at=NOON + timedelta(days=1))


def impact(record: Record, events: list[Event], before: Account, after: Account) -> PersonImpact:
    return Files(before, after, "").impact_on(record, [delivery_of(each) for each in events])


@settings(max_examples=EXAMPLES)
@given(a_life(), a_mapping())
def test_what_is_gained_and_lost_is_the_models(
    drawn: tuple[dict[str, Does], list[Said]], second: dict[str, Does]
) -> None:
    """Given any events that are all kept, the difference is that of two lives from the start."""
    first, said = drawn
    for each in said:
        note(str(each))
    note(file_of(first))
    note(file_of(second))
    before, after = parse(KIT + file_of(first)), parse(KIT + file_of(second))
    life = Life(before)
    events = [event_of(each, first) for each in said]
    life.hears(*events)
    kinds = {id(does): kind for kind, does in first.items()}
    has = right(said).tags
    will = right([replace(each, does=second[kinds[id(each.does)]]) for each in said]).tags

    found = impact(life.kept, events, before, after)

    assert set(found.gained.values()) == will - has
    assert set(found.lost.values()) == has - will
    assert found.new_taggings == found.gained.keys() - {tag.lower() for tag in life.kit.tags}
    assert found.is_wholly_known
    assert not impact(life.kept, events, before, before).is_otherwise
    now = [delivery_of(each) for each in events]
    assert not impact_now(life.kept, now, before, "").is_otherwise
    anew = impact_now(life.kept, now, after, "")
    assert (anew.gained, anew.lost) == (found.gained, found.lost)


def test_what_is_held_is_neither_gained_nor_new_and_goes_with_the_file_that_asked_for_it() -> None:
    """Given a held tag, a file that asks for it, too, changes nothing; one that does not lets it go."""
    body = {"id": "e", "type": "order.paid", "time": NOON.isoformat(), "data": {"user": {"email": ADA}}}
    paid = Delivery(dumps(body).encode(), "", received_at=NOON)
    order = decode(paid, arrival=0).order
    wish = Part(TagWish("Customer", present=True), order)
    held = {"customer": HeldTag("Customer", order, since=0.0)}
    record = Record(ADA, kit_id=1, owed=Change(tags={"customer": wish}), held=held, ensured=order)
    same = parse(f"{KIT}events: {{order.paid: {{add_tags: [Customer]}}}}\n")
    other = parse(f"{KIT}events: {{order.paid: {{add_tags: [Buyer]}}}}\n")

    assert not impact_now(record, [paid], same, "").is_otherwise
    for found in (impact_now(record, [paid], other, ""), Files(same, other, "").impact_on(record, [paid])):
        assert (set(found.gained), set(found.lost), set(found.new_taggings)) == (
            {"buyer"},
            {"customer"},
            {"buyer"},
        )
        assert found.calls == 1, "Kit never had it"
