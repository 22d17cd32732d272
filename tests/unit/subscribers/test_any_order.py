"""The algebra behind the promise: any order, any copies and any faults end as the events in their order."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.examples import EMAIL
from tests.unit.subscribers.any_order import NOW, Chance, Worker, deliveries_of
from tests.unit.subscribers.in_order import TAGS, Wish, in_order
from worker.ledger.record_json import dump_record, load_record
from worker.subscribers.change import NOTHING, merge_all
from worker.subscribers.desired import is_news, left
from worker.subscribers.learning import finish
from worker.subscribers.record import Record

names = st.sampled_from(TAGS)


@st.composite
def a_wish(draw: st.DrawFn) -> Wish:
    """Draw what an event asks for; a tag is never both added and removed."""
    tags = draw(st.lists(names, unique=True, max_size=3))
    cut = draw(st.integers(0, len(tags)))
    fields = draw(st.dictionaries(st.sampled_from("xy"), st.sampled_from(["1", "2", None]), max_size=2))
    gives = draw(st.none() | st.sampled_from(["Gold", "Silver"]))
    add = tuple(tag for tag in tags[:cut] if gives is None or tag not in {"Gold", "Silver"})
    remove = tuple(tag for tag in tags[cut:] if gives is None or tag not in {"Gold", "Silver"})
    return Wish(add, remove, tuple(fields.items()), gives)


@settings(max_examples=400)
@given(st.data())
def test_any_order_duplicates_and_faults_end_as_the_events_in_order(data: st.DataObject) -> None:
    wishes = data.draw(st.lists(a_wish(), min_size=1, max_size=7))
    deliveries = data.draw(deliveries_of(len(wishes)))
    chance = Chance(iter(data.draw(st.lists(st.integers(0, 59), max_size=60))))

    assert Worker(wishes, deliveries, chance).run() == in_order(wishes)


@st.composite
def a_subscription_event(draw: st.DrawFn) -> Wish:
    """Draw an event that opens or closes a subscription, or any other."""
    wish = draw(a_wish())
    kind, which = draw(st.sampled_from(["opens", "closes", "other"])), draw(st.sampled_from(["s", "t", ""]))
    if kind == "other":
        return dataclasses.replace(wish, fields=())
    if kind == "opens":
        return dataclasses.replace(wish, opens=which)
    return dataclasses.replace(wish, closes=which, gives=None, empties=draw(st.booleans()))


@settings(max_examples=600)
@given(st.data())
def test_subscriptions_in_any_order_mean_what_they_mean_in_order(data: st.DataObject) -> None:
    wishes = data.draw(st.lists(a_subscription_event(), min_size=1, max_size=7))
    deliveries = data.draw(deliveries_of(len(wishes)))
    chance = Chance(iter(data.draw(st.lists(st.integers(0, 59), max_size=60))))

    assert Worker(wishes, deliveries, chance).run() == in_order(wishes)


def test_a_gift_that_comes_late_is_taken_off_by_the_next_one() -> None:
    """Given a tag that somebody else added after an entry gave it, the entry's next gift takes it off."""
    wishes = [Wish(gives="Gold"), Wish(add=("Gold",)), Wish(gives="Silver")]
    for deliveries in ([0, 1, 2], [1, 0, 2], [1, 2, 0], [2, 1, 0]):
        assert Worker(wishes, deliveries, Chance(iter(()))).run().tags == {"Silver"}


@given(st.lists(a_wish(), min_size=1, max_size=6), st.data())
def test_to_fold_in_any_order_is_the_same(wishes: list[Wish], data: st.DataObject) -> None:
    """Given the changes of some events, merged in any order and in any groups, the same one stands."""
    changes = [wish.change(number) for number, wish in enumerate(wishes)]
    shuffled = data.draw(st.permutations(changes))
    cut = data.draw(st.integers(0, len(shuffled)))
    grouped = merge_all(shuffled[:cut]).merge(merge_all(shuffled[cut:]))
    assert grouped.merge(NOTHING) == merge_all(changes)
    assert grouped.replacing() == merge_all(changes).replacing()


@given(st.lists(a_wish(), min_size=1, max_size=6), st.data())
def test_a_week_later_a_replay_undoes_nothing(wishes: list[Wish], data: st.DataObject) -> None:
    """Given all events but some applied in order, those applied at last leave all that is newer as it is."""
    late = data.draw(st.sets(st.integers(0, len(wishes) - 1)))
    deliveries = [*(n for n in range(len(wishes)) if n not in late), *sorted(late)]
    assert Worker(wishes, deliveries, Chance(iter(()))).run() == in_order(wishes)


@given(st.lists(a_wish(), min_size=1, max_size=6))
def test_a_record_is_the_same_after_the_ledger(wishes: list[Wish]) -> None:
    """Given any record, what the ledger gives back means the same for every event there is."""
    record = Record(EMAIL, 7)
    for number, wish in enumerate(wishes):
        record.note(left(record, wish.change(number)), NOW, {})

        finish(record, wish.change(number))
        record.see(f"mark {number}")
    again = load_record(EMAIL, 7, *dump_record(record))
    assert dump_record(again) == dump_record(record)
    for number, wish in enumerate(wishes):
        assert left(again, wish.change(number)) == left(record, wish.change(number))
        assert is_news(again, wish.change(number)) == is_news(record, wish.change(number))
