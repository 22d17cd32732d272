"""What of an event is news, and what need not be done: it was, or is older, or its person was forgotten."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, NOON, change, event, order
from tests.unit.subscribers.in_hand.desk import ADA, Desk, Taken, an_item
from worker.errors import InvalidEvent, PartlyApplied
from worker.events.delivery import Delivery
from worker.events.event import Event, OrderKey
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.fact import Fact
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.learning import begin, finish
from worker.subscribers.mark import event_mark
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.place import Placing
from worker.subscribers.record import MAX_SEEN, Record

VIP = TagWish("VIP", present=True)
LATER = Later(NOON + timedelta(days=1), "tag 'VIP' off")


def test_an_event_that_was_applied_is_a_duplicate() -> None:
    desk = Desk()
    desk.apply(1)
    assert desk.end_of(1) is Kind.DUPLICATE


def test_a_duplicate_is_known_after_a_restart() -> None:
    before = Desk()
    before.apply(1)
    before.write()
    assert Desk(records=before.records).end_of(1) is Kind.DUPLICATE


def later_copy(number: int, *, after: int) -> Item:
    """Return a copy of the opening `number` that comes after the event `after`, and happened when it did."""
    late = order(number)._replace(arrival=after + 1)
    of_its_time = structs.replace(event(number), order=late)
    return structs.replace(
        an_item(number), event=of_its_time, change=Placing(order(number), late).change(opening(number))
    )


def test_a_copy_of_an_opening_has_the_place_of_the_first() -> None:
    """Given that something of it is owed, a copy is news, and no newer than what came between the two."""
    desk = Desk()
    record = apply_opening(desk, 1)
    record.owed = change(1, add=("Other",))
    at_once = order(1)._replace(arrival=2)
    record.tags_off = Part(value=True, order=at_once)
    copy = desk.come(later_copy(1, after=2))
    assert isinstance(copy, Item)
    assert copy.event is not None
    assert copy.event.order == order(1)
    assert left_to_do(record, copy.change).tags["vip"].value.present is False


def test_a_replay_that_came_before_the_copy_that_was_applied_has_its_own_place() -> None:
    """Given a dead letter, of which the platform sent a copy: what came between the two is newer."""
    desk = Desk()
    record = applied(desk, later_copy(1, after=2))
    assert record.facts[0].order.arrival == 3

    replay = come(desk, 1, opening(1))

    assert isinstance(replay, Outcome)
    assert replay.kind is Kind.DUPLICATE
    assert record.facts[0].order == order(1)


def opening(number: int) -> Change:
    """Return a change that opens a subscription, with a tag of its own."""
    vip = TagWish(f"VIP {number}", present=True)
    return Change(facts=(Fact(order(number), opens=True, tags={"vip": vip}),))


def come(desk: Desk, number: int, change: Change) -> Item | Outcome | None:
    """Return what becomes of an event."""
    return desk.come(structs.replace(an_item(number), change=change))


def apply_opening(desk: Desk, number: int) -> Record:
    """Apply an opening as a worker does; return whose it was."""
    return applied(desk, structs.replace(an_item(number), change=opening(number)))


def applied(desk: Desk, event_of: Item) -> Record:
    """Apply an event as a worker does; return whose it was."""
    item = desk.come(event_of)
    assert isinstance(item, Item)
    assert item.subscriber is not None
    record = item.subscriber.record
    begin(record, item.change)
    record.note(left_to_do(record, item.change), desk.now, {})
    finish(record, item.change)
    desk.in_hand.applied(item)
    desk.in_hand.let_go(item)
    return record


@pytest.mark.parametrize("again", [False, True])
def test_a_copy_of_an_applied_opening_is_news_only_if_it_was_delivered_before(*, again: bool) -> None:
    """Given a copy that arrives later, it is a duplicate; what was done of a redelivered one is not known."""
    desk = Desk()
    apply_opening(desk, 1)
    copy = structs.replace(opening(1).facts[0], order=order(1)._replace(arrival=99), again=again)
    taken = come(desk, 1, Change(facts=(copy,)))
    assert isinstance(taken, Item) if again else is_duplicate(taken)


def test_a_copy_of_an_applied_opening_is_no_news_while_another_event_is_worked_on() -> None:
    """Given a newer event in hand, what is not done yet is its own, and no reason to doubt the other."""
    desk = Desk()
    record = apply_opening(desk, 1)
    newer = come(desk, 2, opening(2))
    assert isinstance(newer, Item)
    begin(record, newer.change)

    copy = come(desk, 1, opening(1))

    assert is_duplicate(copy)
    assert isinstance(copy, Outcome)
    desk.in_hand.let_go(copy.item)
    desk.in_hand.let_go(newer)
    # Nobody works on it any more, and it is not done.
    assert isinstance(come(desk, 1, opening(1)), Item)


def is_duplicate(taken: Item | Outcome | None) -> bool:
    return isinstance(taken, Outcome) and taken.kind is Kind.DUPLICATE


def test_a_copy_of_an_event_in_hand_shares_its_fate() -> None:
    """Given two copies in hand, the second asks for nothing; once the first is let go, a third is judged."""
    desk = Desk()
    first = desk.take(1)
    second = desk.take(1)
    assert second.item.doubled
    assert not second.change
    desk.finish(first)
    assert desk.end_of(1) is Kind.DUPLICATE


def test_an_event_of_which_a_part_is_owed_is_taken_in_for_all_the_others() -> None:
    desk = Desk()
    owed = PartlyApplied("the tag '{data.level} access' is owed")
    item = desk.come(structs.replace(an_item(1), refusal=owed))
    assert isinstance(item, Item)
    assert set(item.change.tags) == {"vip"}
    assert item.refusal is owed


def test_what_is_owed_is_no_news_of_newer_events_but_is_still_said() -> None:
    """Given newer events of all else that it asks for, an event with an owed part is not superseded."""
    desk = Desk()
    newer = desk.take(2)
    newer.subscriber.record.note(newer.change, 1.0, {})
    finish(newer.subscriber.record, newer.change)
    desk.in_hand.applied(newer.item)
    item = desk.come(structs.replace(an_item(1), refusal=PartlyApplied("the tag is owed")))
    assert isinstance(item, Item)
    assert isinstance(item.refusal, PartlyApplied)


def test_a_copy_of_an_event_of_which_a_part_is_owed_owes_nothing_itself() -> None:
    desk = Desk()
    partly = structs.replace(an_item(1), refusal=PartlyApplied("the tag is owed"))
    assert isinstance(desk.come(partly), Item)
    copy = desk.come(partly)
    assert isinstance(copy, Item)
    assert copy.doubled
    assert copy.refusal is None


def test_an_event_without_an_id_is_never_a_duplicate() -> None:
    """Given no id, a second copy is told by its order key alone."""
    desk = Desk()
    desk.apply(1)
    nameless = structs.replace(event(1), id=None)
    ended = desk.come(structs.replace(an_item(1, add=("Tag 1",)), event=nameless))
    assert isinstance(ended, Outcome)
    assert ended.kind is Kind.SUPERSEDED


@pytest.mark.parametrize(
    "other",
    [
        structs.replace(event(1), type="user.updated"),
        structs.replace(event(1), time=NOON + timedelta(hours=1)),
    ],
)
def test_one_id_for_two_events_does_not_make_them_one(other: Event) -> None:
    """Given a publisher that sends one id with two types or times, both are applied."""
    assert event_mark(other) != event_mark(event(1))


def test_an_older_event_with_nothing_newest_is_superseded() -> None:
    desk = Desk()
    desk.finish(desk.take(5))
    assert desk.end_of(3) is Kind.SUPERSEDED
    assert desk.end_of(4, add=("Other",)) is None


@pytest.mark.parametrize("opens", [False, True])
def test_what_is_superseded_ends_later_only_where_it_may_hold_a_tag_then(*, opens: bool) -> None:
    """Given an older opening with an end, its tag may stand again by it, and must then go at its time."""
    desk = Desk()

    def asks(number: int) -> Item:
        fact = Fact(order(number), opens=True, subscription=f"s-{number}", tags={"vip": VIP})
        asked = Change(facts=(fact,)) if opens else change(number, add=("VIP",))
        return structs.replace(an_item(number), change=asked, later=LATER)

    newer = desk.come(asks(2))
    assert isinstance(newer, Item)
    desk.finish(
        Taken(structs.replace(newer, change=structs.replace(newer.change, tags={"vip": Part(VIP, order(2))})))
    )

    ended = desk.come(asks(1))

    assert isinstance(ended, Outcome)
    assert (ended.kind, ended.item.later) == (Kind.SUPERSEDED, LATER if opens else None)


def test_what_waits_for_its_time_is_not_superseded_by_what_comes_before() -> None:
    """Given an event of which nothing takes effect yet, it is taken in; its copy leaves no second timer."""
    desk = Desk()
    desk.apply(2)
    waits = structs.replace(an_item(1), change=NOTHING, later=LATER._replace(alone=True))

    taken, copy = desk.come(waits), desk.come(waits)

    assert isinstance(taken, Item)
    assert isinstance(copy, Item)
    assert (taken.later, copy.later, copy.doubled) == (waits.later, None, True)


def test_the_last_64_events_of_a_person_are_remembered() -> None:
    desk = Desk()
    for number in range(1, MAX_SEEN + 2):
        desk.apply(number)
    assert desk.end_of(2) is Kind.DUPLICATE
    assert desk.end_of(1, add=("Tag 1",)) is Kind.SUPERSEDED  # still nothing happens


@pytest.mark.parametrize("sign", [("email", EMAIL), ("user", ADA)])
@pytest.mark.parametrize(("number", "end"), [(4, Kind.FORGOTTEN), (5, Kind.FORGOTTEN), (6, None)])
def test_events_of_a_forgotten_person_are_dropped_up_to_that_moment(
    sign: tuple[str, str], number: int, end: Kind | None
) -> None:
    assert Desk(forgotten={sign: 5}).end_of(number, user=ADA) is end


@pytest.mark.parametrize(("number", "end"), [(5, Kind.FORGOTTEN), (6, Kind.DEAD_LETTERED)])
def test_a_refused_event_of_a_forgotten_person_is_dropped_too_and_is_no_dead_letter(
    number: int, end: Kind
) -> None:
    why = InvalidEvent("data.access.level: is missing")
    ended = Desk(forgotten={("email", EMAIL): 5}).come(structs.replace(an_item(number), refusal=why))
    assert isinstance(ended, Outcome)
    assert (ended.kind, ended.error) == (end, why if end is Kind.DEAD_LETTERED else None)


def test_a_copy_that_shows_an_earlier_place_waits_while_somebody_works_by_the_later_one() -> None:
    """Given a row of a file, say, that is the opening which the ledger knows, and another event in hand."""
    desk = Desk()
    opening = opening_at(order(1)._replace(arrival=9))
    desk.finish(Taken(desk.takes(opening)))
    desk.write()
    at_work = desk.take(2)
    earlier = opening_at(order(1))
    assert desk.come(earlier) is None
    desk.finish(at_work)
    ended = desk.come(earlier)
    assert isinstance(ended, Outcome)
    assert ended.kind is Kind.DUPLICATE
    assert [fact.order for fact in at_work.subscriber.record.facts] == [order(1)]


def opening_at(place: OrderKey) -> Item:
    """Return an opening in a place of its second."""
    opening = structs.replace(event(1), order=place)
    fact = Fact(place, opens=True, subscription="s-1", event="mark")
    asked = structs.replace(change(1, add=("VIP",)), tags={}, facts=(fact,))
    return Item(Delivery(b"", ""), opening, EMAIL, None, asked)
