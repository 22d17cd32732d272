"""One person, whatever the address: who moves, who waits for it, and what an older address leads to."""

from __future__ import annotations

import pytest
from msgspec import structs

from tests.unit.examples import EMAIL, event, order
from tests.unit.subscribers.in_hand.desk import ADA, BOB, NEW, THIRD, Desk, Taken, an_item
from worker.errors import Reason
from worker.subscribers.change import Change
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.item import Item, Kind, Outcome
from worker.subscribers.known import Person
from worker.subscribers.mark import event_mark
from worker.subscribers.parts import Part, slot_key
from worker.subscribers.record import Record


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
