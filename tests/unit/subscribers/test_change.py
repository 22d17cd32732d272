"""The algebra of changes, against a naive model of what Kit would hold."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.unit.examples import NOON, change, order
from worker.events.event import FIRST, OrderKey
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.fact import NO_FACTS, Fact, merge_facts
from worker.subscribers.parts import Part, TagWish, tag_key

TAGS = 3**3
FIELDS = 4**2
FIRST_NAMES = 3


def asked_by(number: int, code: int) -> Change:
    """What event `number` asks for: one of all the ways to treat tags, fields and the first name."""
    code, tags = divmod(code, TAGS)
    code, fields = divmod(code, FIELDS)
    ensure, first_name = divmod(code, FIRST_NAMES)
    wishes = {name: (None, True, False)[tags // 3**digit % 3] for digit, name in enumerate("abc")}
    values = {name: ("", None, "x", "y")[fields // 4**digit % 4] for digit, name in enumerate("fg")}
    key = order(number)
    return Change(
        tags={name: Part(TagWish(name, wish), key) for name, wish in wishes.items() if wish is not None},
        fields={name: Part(value, key) for name, value in values.items() if value != ""},
        first_name=Part(("Ada", "Bob")[first_name - 1], key) if first_name else None,
        ensure=Part(value=True, order=key) if ensure else None,
    )


codes = st.integers(0, TAGS * FIELDS * FIRST_NAMES * 2 - 1)
few_numbers = st.integers(1, 4)  # so few that two changes often have the same key
merged_changes = st.lists(st.builds(asked_by, few_numbers, codes), max_size=3).map(merge_all)
histories = st.lists(codes, max_size=8).map(
    lambda each: [asked_by(*numbered) for numbered in enumerate(each, 1)]
)
"""What events ask for, oldest first, each with a key of its own."""


def cut(changes: list[Change], places: list[int]) -> list[list[Change]]:
    """The changes in batches, cut at these places."""
    at = [0, *sorted(place % (len(changes) + 1) for place in places), len(changes)]
    return [changes[a:b] for a, b in itertools.pairwise(at)]


@dataclass
class Kit:
    """What one subscriber has in Kit; with `keys`, also who set it last."""

    state: dict[tuple[str, str], object] = field(default_factory=dict)
    keys: dict[tuple[str, str], OrderKey] = field(default_factory=dict)

    def apply(self, asked: Change) -> None:
        """Set every part, whoever set it before."""
        for name, (value, key) in parts(asked).items():
            self.state[name] = value
            self.keys[name] = key

    def apply_newer(self, asked: Change) -> None:
        """Set every part that nothing newer has set."""
        for name, (value, key) in parts(asked).items():
            if key > self.keys.get(name, FIRST):
                self.state[name] = value
                self.keys[name] = key


def parts(of: Change) -> dict[tuple[str, str], tuple[object, OrderKey]]:
    found: dict[tuple[str, str], tuple[object, OrderKey]] = {}
    found |= {("tag", name): (part.value.present, part.order) for name, part in of.tags.items()}
    found |= {("field", name): (part.value, part.order) for name, part in of.fields.items()}
    if of.first_name is not None:
        found["first_name", ""] = (of.first_name.value, of.first_name.order)
    if of.ensure is not None:
        found["ensure", ""] = (of.ensure.value, of.ensure.order)
    return found


orders = st.builds(OrderKey, st.just(""), st.just(NOON), st.integers(1, 3))
facts = st.builds(
    Fact,
    orders,
    st.booleans(),
    subscription=st.sampled_from(["", "s"]),
    shows=st.sampled_from([{}, {"f": "x"}]),
    phase=st.integers(0, 1),
    again=st.booleans(),
)
"""So few that two often are the same fact, told otherwise or come from elsewhere."""
registers = st.none() | st.builds(Part, st.booleans(), orders)
lasting = st.builds(
    Change,
    creates=st.none() | st.builds(Part, st.sampled_from(["active", "inactive"]), orders),
    tags_off=registers,
    fields_off=registers,
    unsubscribe=registers,
    facts=st.lists(facts, max_size=3).map(
        lambda few: reduce(merge_facts, ((fact,) for fact in few), NO_FACTS)
    ),
)


@given(lasting, lasting, lasting)
@settings(max_examples=200)
def test_what_lasts_is_merged_in_any_order_as_well(one: Change, two: Change, three: Change) -> None:
    assert one.merge(two).merge(three) == one.merge(two.merge(three))
    assert one.merge(two) == two.merge(one)
    assert one.merge(one) == one.merge(NOTHING) == one


@given(merged_changes, merged_changes, merged_changes)
@settings(max_examples=60)
def test_merging_is_associative(one: Change, two: Change, three: Change) -> None:
    assert one.merge(two).merge(three) == one.merge(two.merge(three))


@given(merged_changes, merged_changes)
@settings(max_examples=60)
def test_merging_is_commutative_even_under_one_key(one: Change, two: Change) -> None:
    assert one.merge(two) == two.merge(one)


@given(merged_changes, merged_changes)
@settings(max_examples=60)
def test_merging_is_idempotent_and_nothing_changes_nothing(one: Change, two: Change) -> None:
    merged = one.merge(two)

    assert merged.merge(one) == merged.merge(merged) == merged
    assert merged.merge(NOTHING) == NOTHING.merge(merged) == merged


@given(histories, st.randoms(use_true_random=False), st.lists(st.integers(0, 8), max_size=4))
@settings(max_examples=60)
def test_any_batches_in_any_order_end_as_the_events_one_by_one(
    history: list[Change], chance: random.Random, places: list[int]
) -> None:
    """Given events, when they are shuffled, cut into batches and folded, then Kit ends up the same."""
    one_by_one, folded, at_once = Kit(), Kit(), Kit()
    for asked in history:
        one_by_one.apply(asked)

    shuffled = chance.sample(history, len(history))
    for batch in cut(shuffled, places):
        folded.apply_newer(merge_all(batch))
    at_once.apply(merge_all(shuffled))

    assert folded.state == one_by_one.state
    assert at_once.state == one_by_one.state


@given(merged_changes)
@settings(max_examples=60)
def test_nothing_is_left_of_what_is_done(asked: Change) -> None:
    assert not asked.without(asked)
    assert asked.without(NOTHING) == asked
    assert not NOTHING.without(asked)


@given(merged_changes, merged_changes)
@settings(max_examples=60)
def test_what_is_left_completes_what_is_done(done: Change, asked: Change) -> None:
    """Given a part of a merged change is done, then the rest and that part make up the whole."""
    merged = done.merge(asked)

    left = merged.without(done)

    assert parts(left.merge(done)).keys() == parts(merged).keys()
    assert {name: key for name, (_, key) in parts(left.merge(done)).items()} == {
        name: key for name, (_, key) in parts(merged).items()
    }
    assert all(key > parts(done).get(name, ("", FIRST))[1] for name, (_, key) in parts(left).items())


@given(histories, st.sets(st.integers(0, 7)))
@settings(max_examples=60)
def test_what_is_left_and_what_is_done_make_the_very_same_change(
    history: list[Change], done: set[int]
) -> None:
    """Given no two events share a key, then `merged.without(done)` merged with `done` is `merged`."""
    merged = merge_all(history)
    mine = merge_all(asked for number, asked in enumerate(history) if number in done)

    assert merged.without(mine).merge(mine) == merged


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (OrderKey("", NOON, 2), OrderKey("1", NOON, 1)),
        (OrderKey("1", NOON.replace(hour=13), 2), OrderKey("2", NOON, 1)),
        (OrderKey("1", NOON, 2), OrderKey("1", NOON.replace(hour=13), 1)),
        (OrderKey("1", NOON, 1), OrderKey("1", NOON, 2)),
        (FIRST, OrderKey("", NOON, 0)),
    ],
)
def test_order_is_by_sequence_then_time_then_arrival(older: OrderKey, newer: OrderKey) -> None:
    assert older < newer
    assert Part("old", older).newer(Part("new", newer)).value == "new"
    assert Part("new", newer).newer(Part("old", older)).value == "new"


@pytest.mark.parametrize(
    ("one", "other"), [("Active Member", "ACTIVE member"), (" VIP ", "vip"), ("Über", "über")]
)
def test_tags_are_one_whatever_their_case(one: str, other: str) -> None:
    """Given one event adds a tag and a newer one removes it in other letters, then it is removed."""
    merged = change(1, add=(one,)).merge(change(2, remove=(other,)))

    assert tag_key(one) == tag_key(other)
    assert [part.value.present for part in merged.tags.values()] == [False]


def test_a_change_is_true_if_there_is_anything_to_do() -> None:
    assert not NOTHING
    assert change(1)
    assert replace(change(1, fields={"plan": None}), ensure=None)
    assert replace(change(1, first_name="Ada"), ensure=None)
    assert replace(change(1, remove=("VIP",)), ensure=None)


def test_merging_leaves_its_parts_as_they_were() -> None:
    one, two = change(1, add=("VIP",)), change(2, add=("Gold",), fields={"plan": "Annual"})

    one.merge(two)

    assert (one, two) == (change(1, add=("VIP",)), change(2, add=("Gold",), fields={"plan": "Annual"}))


def test_which_rule_wishes_for_a_tag_makes_no_difference() -> None:
    """Given two rules of one event that wish the same, merging is commutative; all else still counts."""
    wish = TagWish("VIP", present=True, rule=1)
    same = TagWish("VIP", present=True, rule=2)
    others = TagWish("Vip", present=True), TagWish("VIP", present=False), TagWish("VIP", True, True)  # noqa: FBT003
    assert (wish, hash(wish), repr(wish)) == (same, hash(same), repr(same))
    assert all(other not in (wish, "VIP") and repr(other) != repr(wish) for other in others)
    one, two = (Change(tags={"vip": Part(each, order(1))}) for each in (wish, same))
    assert one.merge(two) == two.merge(one)
    assert one.merge(two) == one


def test_what_is_known_agreed_to_or_heard_anew_is_so_at_each_place_that_its_copies_have() -> None:
    """Given two copies of an opening, what is known of the one that came later is known of the fact."""
    came, again = order(1), order(1)._replace(arrival=9)
    events = frozenset({again})
    one = Change(facts=(Fact(again, opens=True),), known=events, agreed=events, anew=events)
    other = Change(facts=(Fact(came, opens=True),))
    for merged in (one.merge(other), other.merge(one)):
        assert merged.known == merged.agreed == merged.anew == {came, again}
        assert merged.facts == other.facts
