"""What of an event is news, who moves, and what is written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, NOON, change, event, order
from worker.errors import InvalidEvent, PartlyApplied, Reason
from worker.events.delivery import Delivery
from worker.events.event import Event, Origin
from worker.ledger.record_json import dump_record
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.drifted import DriftKind, DriftRow, Remedy
from worker.subscribers.fact import Fact
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Later, Outcome
from worker.subscribers.known import Known, Person
from worker.subscribers.learning import begin, finish
from worker.subscribers.mark import event_mark
from worker.subscribers.move_guard import FEW
from worker.subscribers.parts import Part, TagWish, slot_key
from worker.subscribers.record import MAX_SEEN, Record
from worker.subscribers.subscriber import Call, Subscriber

NEW, THIRD = "ada.new@example.com", "ada.third@example.com"
ADA, BOB = "u-ada", "u-bob"
VIP = TagWish("VIP", present=True)
LATER = Later(NOON + timedelta(days=1), "tag 'VIP' off")


@dataclass(frozen=True)
class Taken:
    """An event that was taken in."""

    item: Item

    @property
    def subscriber(self) -> Subscriber:
        """Whom it is about."""
        assert self.item.subscriber is not None
        return self.item.subscriber

    @property
    def change(self) -> Change:
        """What is to be done."""
        return self.item.change


def an_item(
    number: int, email: str = EMAIL, user: str | None = None, *, add: tuple[str, ...] = ("VIP",)
) -> Item:
    """Event `number`, as the mapping sees it; it may change an address."""
    return Item(Delivery(b"", ""), event(number), email, user, change(number, add=add), may_move=True)


@dataclass
class Desk:
    """The people in hand, the ledger behind them, and the way of an event through both."""

    records: dict[str, Record] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    forgotten: dict[tuple[str, str], int] = field(default_factory=dict)
    now: float = 1_000_000.0

    def __post_init__(self) -> None:
        self.in_hand = InHand()

    def come(self, item: Item) -> Item | Outcome | None:
        """Ask the ledger what must be asked, and take an event in."""
        emails, users = self.in_hand.directory.unknown([item])
        people = {user: self.people[user] for user in users & self.people.keys()}
        wanted = {*emails, *(person.email for person in people.values())}
        records = {email: self.records[email] for email in self.records if email in wanted}
        records |= {r.moved.to: self.records[r.moved.to] for r in records.values() if r.moved}
        gone = {sign: NOON + timedelta(seconds=at) for sign, at in self.forgotten.items()}
        self.in_hand.directory.learn(emails, users, Known(records, people, gone))
        assert self.in_hand.directory.unknown([item]) == (set(), set())
        return self.in_hand.take_in(item, self.now)

    def take(
        self, number: int, email: str = EMAIL, user: str | None = None, *, add: tuple[str, ...] = ("VIP",)
    ) -> Taken:
        """Take event `number` in, which has something to do."""
        return Taken(self.takes(an_item(number, email, user, add=add)))

    def takes(self, item: Item) -> Item:
        """Take an event in, which has something to do, or waits for a copy that has."""
        taken = self.come(item)
        assert isinstance(taken, Item)
        return taken

    def end_of(
        self, number: int, email: str = EMAIL, user: str | None = None, *, add: tuple[str, ...] = ("VIP",)
    ) -> Kind | None:
        """How event `number` ends at once; None where it has something to do. It is let go of at once."""
        taken = self.come(an_item(number, email, user, add=add))
        assert taken is not None
        item = taken.item if isinstance(taken, Outcome) else taken
        self.in_hand.let_go(item)
        return taken.kind if isinstance(taken, Outcome) else None

    def waits(self, number: int, email: str = EMAIL, user: str | None = None) -> bool:
        """Whether event `number` has to wait for somebody else's work."""
        return self.come(an_item(number, email, user)) is None

    def finish(self, taken: Taken) -> None:
        """Apply an event that was taken in, its new address included."""
        subscriber, address = taken.subscriber, taken.change.address
        if address is not None and address.value != subscriber.record.email:
            self.in_hand.moved(subscriber, address, subscriber.record.kit_id, self.now)
        subscriber.record.kit_id = subscriber.record.kit_id or 7
        subscriber.record.note(taken.change, self.now, {})
        finish(subscriber.record, taken.change)
        self.in_hand.applied(taken.item)
        self.in_hand.let_go(taken.item)

    def apply(self, number: int, email: str = EMAIL, user: str | None = None) -> Taken:
        """Take event `number` in and apply it."""
        taken = self.take(number, email, user, add=(f"Tag {number}",))
        self.finish(taken)
        return taken

    def write(self) -> None:
        """Write what has changed into the ledger."""
        batch = self.in_hand.unsaved.take()
        self.records |= {record.email: record for record in batch.records}
        self.people |= {person.user_id: person for person in batch.people}


# -- what need not be done ----------------------------------------------------------------------------------


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
    return structs.replace(an_item(number), event=of_its_time, change=opening(number).placed(late))


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


def opening(number: int) -> Change:
    """Return a change that opens a subscription, with a tag of its own."""
    vip = TagWish(f"VIP {number}", present=True)
    return Change(facts=(Fact(order(number), opens=True, tags={"vip": vip}),))


def come(desk: Desk, number: int, change: Change) -> Item | Outcome | None:
    """Return what becomes of an event."""
    return desk.come(structs.replace(an_item(number), change=change))


def apply_opening(desk: Desk, number: int) -> Record:
    """Apply an opening as a worker does; return whose it was."""
    item = come(desk, number, opening(number))
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


# -- one person, whatever the address -----------------------------------------------------------------------


def test_a_newer_address_of_a_known_id_is_part_of_the_change() -> None:
    desk = Desk()
    desk.apply(1, user=ADA)
    taken = desk.take(2, NEW, ADA)
    assert taken.subscriber.record.email == EMAIL
    assert taken.change.address == Part(NEW, order(2))


def test_a_late_event_under_the_old_address_is_about_the_person_under_the_new_one() -> None:
    """Given a move, an older event under the old address is the person's, by id or by address alone."""
    desk = Desk()
    desk.apply(1, user=ADA)
    moved = desk.apply(5, NEW, ADA).subscriber
    for number, user in ((3, ADA), (4, None)):
        late = desk.take(number, EMAIL, user, add=("Late",))
        assert late.subscriber is moved
        assert late.change.address is None
        desk.finish(late)
        desk = _restarted(desk)
        moved = desk.take(6, NEW, ADA).subscriber


def _restarted(desk: Desk) -> Desk:
    desk.write()
    return Desk(desk.records, desk.people, now=desk.now)


def test_an_older_address_changes_nothing() -> None:
    """Given the newest address, an older event with another one is applied without its address."""
    desk = Desk()
    desk.apply(5, EMAIL, ADA)
    taken = desk.take(3, NEW, ADA)
    assert taken.change.address is None
    assert taken.subscriber.record.email == EMAIL
    assert taken.item.refusal is None


def test_who_is_at_the_new_address_already_has_not_moved() -> None:
    """Given a move to an address that was somebody's without an id, an event there is the mover's."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(2, NEW)
    desk.write()
    moved = desk.take(3, NEW, ADA)
    desk.finish(moved)
    assert desk.take(4, NEW).subscriber is moved.subscriber


@pytest.mark.parametrize(("user", "email"), [("u-unknown", NEW), (None, NEW), (BOB, EMAIL)])
def test_whoever_has_the_old_or_the_new_address_waits_until_the_move_is_through(
    user: str | None, email: str
) -> None:
    """Given a move that Kit may still reject, only the mover's own events are folded into it.

    Another one's would be applied to Ada's subscriber, or Ada's move would take that one along.
    """
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(2, NEW)
    desk.write()
    move = desk.take(3, NEW, ADA)
    assert desk.waits(4, email, user)
    assert desk.take(5, EMAIL, ADA).subscriber is move.subscriber
    assert desk.take(6, NEW, ADA).subscriber is move.subscriber


def test_after_a_move_that_was_rejected_each_address_has_its_own_person() -> None:
    """Given a move that ends as a dead letter while others of Ada's wait, whoever was there is there."""
    desk = Desk()
    desk.apply(1, user=ADA)
    there = desk.apply(2, NEW).subscriber.record
    move, again = desk.take(3, NEW, ADA), desk.take(4, NEW, ADA)

    desk.in_hand.let_go(move.item)
    assert desk.waits(6, NEW)  # the second may still succeed
    desk.in_hand.let_go(again.item)

    assert desk.take(7, NEW).subscriber.record is there
    assert desk.take(8, NEW, BOB).subscriber.record is there
    assert desk.take(9, EMAIL, ADA).subscriber is move.subscriber


def test_a_second_move_that_comes_during_the_first_takes_in_the_right_people() -> None:
    """Given two addresses that both have somebody, what is known of each counts only there."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(2, NEW)
    desk.apply(3, THIRD)
    first, second = desk.take(4, NEW, ADA), desk.take(5, THIRD, ADA)
    subscriber, to = first.subscriber, first.change.address
    assert to is not None
    assert second.change.address is not None

    desk.in_hand.moved(subscriber, to, 8, desk.now)
    assert subscriber.record.owed.tags.keys() == {"tag 1", "tag 2"}
    desk.in_hand.moved(subscriber, second.change.address, 9, desk.now)
    assert subscriber.record.owed.tags.keys() == {"tag 1", "tag 2", "tag 3"}


def test_of_two_gifts_of_one_entry_the_older_is_taken_off_whoever_moves_to_the_other() -> None:
    """Given Gold at one address and Silver at the other, by one entry, Silver, the newer, stays alone."""
    desk = Desk()
    for number, email, tag in ((1, EMAIL, "Gold"), (2, NEW, "Silver")):
        taken = desk.take(number, email, ADA if email == EMAIL else None, add=(tag,))
        part = taken.change.tags[tag.lower()]
        gift = structs.replace(taken.change, gave={slot_key("entry", tag): part})
        desk.finish(Taken(structs.replace(taken.item, change=gift)))
    move = desk.take(3, NEW, ADA)
    assert move.change.address is not None
    desk.in_hand.moved(move.subscriber, move.change.address, 8, desk.now)

    left = left_to_do(move.subscriber.record, move.change)
    assert {key: part.value.present for key, part in left.tags.items()} == {
        "gold": False,
        "silver": True,
        "vip": True,
    }


def test_a_conflict_is_noted_of_nobody_and_told_under_the_address_that_it_names() -> None:
    """Given two ids at one address, the move of one is a dead letter, and nothing of it is applied."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(2, user=BOB)
    desk.write()
    ended = desk.come(an_item(3, NEW, ADA))
    assert isinstance(ended, Outcome)
    assert ended.error is not None
    assert (ended.kind, ended.error.reason) == (Kind.DEAD_LETTERED, Reason.IDENTITY_CONFLICT)
    assert ended.item.subscriber is not None
    assert ended.item.subscriber.record.email == NEW
    desk.in_hand.let_go(ended.item)
    assert not desk.in_hand.unsaved


def test_a_copy_of_what_was_applied_is_a_duplicate_though_it_would_be_a_conflict_now() -> None:
    """Given an event under an address that somebody else has by now, its copy is no dead letter."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(2, NEW, ADA)
    desk.finish(Taken(_item(desk.come(structs.replace(an_item(4, EMAIL, ADA), may_move=False)))))
    desk.apply(3, EMAIL, BOB)
    again = desk.come(structs.replace(an_item(4, EMAIL, ADA), may_move=False))
    assert isinstance(again, Outcome)
    assert again.kind is Kind.DUPLICATE


def _item(taken: Item | Outcome | None) -> Item:
    assert isinstance(taken, Item)
    return taken


def test_an_address_may_change_twice_within_a_day() -> None:
    """Given two corrections one after the other, the last one counts, by itself."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(2, NEW, ADA)
    moved = desk.apply(3, THIRD, ADA).subscriber
    assert (moved.record.email, desk.take(4, EMAIL).subscriber) == (THIRD, moved)


def test_a_move_waits_for_what_is_in_hand_at_the_new_address() -> None:
    """Given somebody at the new address with work in hand, the move waits for it, and then joins both."""
    desk = Desk()
    desk.apply(1, user=ADA)
    there = desk.take(2, NEW)
    assert desk.waits(3, NEW, ADA)
    desk.finish(there)
    taken = desk.take(3, NEW, ADA)
    assert taken.subscriber.joined == {NEW: there.subscriber}
    desk.finish(taken)
    assert desk.take(4, NEW).subscriber is taken.subscriber  # both addresses lead to her from now on


def test_who_has_the_new_address_is_owed_all_that_was_given_under_the_old_one() -> None:
    """Given a subscriber whom Kit had at the new address, the tags of the old one are to be done there."""
    desk = Desk()
    desk.apply(1, user=ADA)
    taken = desk.take(2, NEW, ADA)
    address = taken.change.address
    assert address is not None
    desk.in_hand.moved(taken.subscriber, address, 8, desk.now)
    record = taken.subscriber.record
    assert (record.email, record.kit_id, record.tags) == (NEW, 8, {})
    assert record.owed.tags.keys() == {"tag 1"}
    assert left_to_do(record, Change()).tags.keys() == {"tag 1"}


def test_a_move_is_written_with_the_old_address_and_the_person() -> None:
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.in_hand.unsaved.take()
    desk.apply(2, NEW, ADA)
    batch = desk.in_hand.unsaved.take()
    moved = {record.email: record.moved.to for record in batch.records if record.moved}
    assert moved == {EMAIL: NEW}
    assert batch.people == [Person(ADA, NEW, desk.now)]
    assert batch.moves == [(EMAIL, NEW)]


@pytest.mark.parametrize("attempt", range(20))
def test_who_moved_is_written_and_not_whom_the_record_took_in(attempt: int) -> None:
    """Given events at the new address that are applied but not written yet, one record is written of both."""
    desk = Desk()
    desk.apply(1, EMAIL, ADA)
    desk.write()
    for number in range(attempt):  # a set has another order with each
        desk.apply(2 + number, f"other{number}@example.com")
    desk.apply(50, NEW)
    desk.finish(desk.take(60, NEW, ADA))

    written = [record for record in desk.in_hand.unsaved.take().records if record.email == NEW]

    assert len(written) == 1
    assert written[0].users.keys() == {ADA}


def test_whoever_has_the_new_address_is_written_while_the_move_is_not_done() -> None:
    desk = Desk()
    desk.apply(1, EMAIL, ADA)
    desk.write()
    desk.apply(2, NEW)
    desk.take(3, NEW, ADA)
    (written,) = [record for record in desk.in_hand.unsaved.take().records if record.email == NEW]
    assert event_mark(event(2)) in written.seen


def test_a_late_event_shows_a_former_address_even_where_it_asks_for_nothing_new() -> None:
    desk = Desk()
    desk.apply(2, NEW, ADA)
    assert desk.end_of(1, add=(), user=ADA) is Kind.SUPERSEDED
    assert desk.take(3).subscriber.record.email == NEW


def test_a_move_that_a_killed_worker_had_begun_is_begun_again() -> None:
    """Given the ledger of that moment, the person's id is no stranger's at the address that is left."""
    was = Record(EMAIL, 7, users={ADA: order(2)}, ensured=order(3))
    now = Record(NEW, 8, users={ADA: order(2)}, ensured=order(2))
    desk = Desk({EMAIL: was, NEW: now}, {ADA: Person(ADA, NEW)})
    late = desk.take(1, user=ADA)
    assert late.change.address == Part(NEW, order(2))
    assert late.subscriber.record.email == EMAIL


# -- what is kept in memory ---------------------------------------------------------------------------------


def test_what_nobody_needs_any_more_is_dropped_once_it_is_written() -> None:
    desk = Desk()
    desk.apply(1, user=ADA)
    busy = desk.take(2, NEW)
    desk.in_hand.drop_idle()  # Ada's record is not written yet
    assert desk.in_hand.directory.unknown([an_item(1, EMAIL, ADA)]) == (set(), set())
    desk.write()
    desk.in_hand.drop_idle()
    assert desk.in_hand.directory.unknown([an_item(1, EMAIL, ADA)]) == ({EMAIL}, {ADA})
    assert desk.in_hand.directory.unknown([an_item(1, NEW)]) == (set(), set())
    assert busy.subscriber.events == 1


def test_what_was_called_is_told_to_the_event_that_asked_for_it() -> None:
    desk = Desk()
    taken = desk.take(1)
    call = Call("POST /v4/tags/{}/subscribers/{}", "tag 'VIP'", 201, (0,))
    desk.in_hand.called(taken.subscriber, call, order(1))
    assert desk.in_hand.let_go(taken.item) == (call,)


def test_only_what_has_changed_is_written() -> None:
    desk = Desk()
    desk.apply(1)
    assert desk.in_hand.unsaved
    assert [record.email for record in desk.in_hand.unsaved.take().records] == [EMAIL]
    assert not desk.in_hand.unsaved
    assert not desk.in_hand.unsaved.take()


# -- who is known to the ledger before anything is done in Kit ----------------------------------------------


@pytest.mark.parametrize("user", [ADA, None])
def test_a_newcomer_is_written_as_the_first_event_is_taken_in(user: str | None) -> None:
    """Given an id, the person is, else the address."""
    desk = Desk()
    subscriber = desk.take(1, user=user).subscriber
    assert not subscriber.is_written

    batch = desk.in_hand.unsaved.take()
    assert [(person.user_id, person.email) for person in batch.people] == ([(ADA, EMAIL)] if user else [])
    assert [record.email for record in batch.records] == ([] if user else [EMAIL])

    assert not subscriber.is_written
    desk.in_hand.unsaved.saved()
    assert subscriber.is_written


def test_of_whose_id_the_ledger_knows_it_knows_after_a_restart() -> None:
    desk = Desk(people={ADA: Person(ADA, EMAIL)})
    assert desk.take(1, user=ADA).subscriber.is_written


def test_who_is_known_by_a_new_id_is_not_written_before_that_is() -> None:
    """Given somebody known by address, whom an event during a write names by an id, another write follows."""
    desk = Desk()
    subscriber = desk.take(1).subscriber
    desk.in_hand.unsaved.take()
    desk.take(2, user=ADA)
    desk.in_hand.unsaved.saved()
    assert not subscriber.is_written

    desk.in_hand.unsaved.take()
    desk.in_hand.unsaved.saved()
    assert subscriber.is_written


def test_a_new_id_of_somebody_who_is_written_is_to_be_written_too() -> None:
    desk = Desk(records={EMAIL: Record(EMAIL, 7)})
    subscriber = desk.take(1).subscriber
    assert subscriber.is_written
    desk.take(2, user=ADA)
    assert not subscriber.is_written
    assert desk.in_hand.unsaved.take().people


def test_what_is_written_is_as_it_was_taken() -> None:
    """Given a write that takes a while, nothing of what happens meanwhile is in it."""
    desk = Desk()
    taken = desk.take(1, user=ADA)
    desk.in_hand.touch(taken.subscriber)
    (written,) = desk.in_hand.unsaved.take().records
    before = dump_record(written)
    desk.finish(taken)
    desk.take(2, user="u-2")
    assert dump_record(written) == before


# -- what is asked to be sent again -------------------------------------------------------------------------


def again(number: int, email: str = EMAIL) -> Item:
    """What somebody asks for as event `number`: that Kit be told all again, and has the person if need be."""
    asked = structs.replace(event(number), origin=Origin.AGAIN)
    change = Change(again=1.0, creates=Part("active", order(number)))
    return Item(Delivery(b"", ""), asked, email, change=change)


def test_of_somebody_unknown_nothing_is_sent_again() -> None:
    end = Desk().come(again(1))
    assert isinstance(end, Outcome)
    assert end.kind is Kind.SUPERSEDED


def test_all_is_sent_again_once() -> None:
    desk = Desk()
    desk.apply(2)
    taken, copy = desk.takes(again(3)), desk.takes(again(3))
    assert (taken.change.again, copy.change, copy.doubled) == (1.0, NOTHING, True)
    desk.in_hand.applied(taken)
    for item in (taken, copy):
        desk.in_hand.let_go(item)
    late = desk.come(again(3))
    assert isinstance(late, Outcome)
    assert late.kind is Kind.DUPLICATE


def test_to_send_all_again_follows_whoever_moved_meanwhile() -> None:
    desk = Desk()
    desk.apply(1, user=ADA)
    moved = desk.apply(2, NEW, ADA)
    desk.write()
    assert desk.takes(again(3)).subscriber is moved.subscriber


def test_who_was_to_be_created_by_no_event_is_created_by_nobody_who_asks_again() -> None:
    """Given one who is known by what was to be done if Kit had the person, that stays so."""
    desk = Desk()
    taken = desk.takes(structs.replace(an_item(1), change=change(1, add=("VIP",), ensure=False)))
    desk.in_hand.applied(taken)
    desk.in_hand.let_go(taken)
    assert desk.takes(again(2)).change.creates is None


# -- what somebody has seen in Kit --------------------------------------------------------------------------


def adopting(number: int, email: str = EMAIL, kit: str = NEW) -> Item:
    """What somebody asks for as event `number`: that Kit's address of the person is taken over."""
    asked = structs.replace(event(number), origin=Origin.ADOPT)
    remedy = Remedy(DriftRow(DriftKind.ADDRESS, kit=kit), order(number), adopts=True)
    return Item(Delivery(b"", ""), asked, email, change=Change(remedies=frozenset({remedy})))


def test_an_address_that_kit_has_is_followed_as_if_an_event_had_named_it() -> None:
    """Given one that is taken over, what names the old one is about the person, and newer ones may move."""
    desk = Desk()
    desk.apply(1, user=ADA)
    taken = Taken(desk.takes(adopting(2)))
    assert taken.change.address == Part(NEW, order(2))
    desk.finish(taken)
    desk.write()

    subscriber = taken.subscriber
    assert subscriber.record.email == NEW
    stays = structs.replace(an_item(3, EMAIL, ADA), may_move=False)
    assert desk.takes(stays).subscriber is subscriber
    back = desk.take(4, EMAIL, ADA)
    assert (back.subscriber, back.change.address) == (subscriber, Part(EMAIL, order(4)))


def test_many_addresses_that_people_changed_in_kit_are_no_fault_of_the_platform() -> None:
    desk = Desk()
    for number in range(FEW + 1):
        email = f"ada{number}@example.com"
        desk.apply(1, email)
        desk.finish(Taken(desk.takes(adopting(2, email, f"new{number}@example.com"))))
    desk.apply(1, user=ADA)

    assert desk.take(3, NEW, ADA).change.address == Part(NEW, order(3))


def test_an_address_that_is_anybody_elses_is_not_followed() -> None:
    """Given somebody who is known by it, or the newest word of the person's own address, nobody moves."""
    desk = Desk()
    desk.apply(1, user=ADA)
    desk.apply(1, NEW)
    assert desk.takes(adopting(2)).change.address is None
    assert desk.takes(adopting(2, kit=EMAIL)).change.address is None

    desk.apply(1, "bob@example.com", BOB)
    desk.apply(9, THIRD, BOB)
    assert desk.takes(adopting(3, THIRD, "bob.new@example.com")).change.address is None
    known = structs.replace(adopting(2, THIRD, "other@example.com"), by_address=True)
    assert desk.takes(known).change.address is None


@pytest.mark.parametrize(("number", "creates"), [(2, False), (3, False), (4, True)])
def test_whoever_is_out_for_good_is_created_by_a_newer_event_alone(number: int, *, creates: bool) -> None:
    desk = Desk()
    desk.apply(1)
    record = desk.in_hand.directory.at(EMAIL).record
    record.ensured, record.tags_off, record.kit_id = order(3), Part(value=True, order=order(3)), None

    assert (desk.take(number).change.creates is not None) is creates
    assert desk.takes(again(9)).change.creates is None
