"""The algebra of changes, against a naive model of what Kit would hold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.examples import NOON, change, order
from worker.changes import FIRST, NOTHING, Change, OrderKey, Part, TagWish, merge_all, tag_key

names = st.sampled_from(["a", "b", "c"])
wishes = st.dictionaries(names, st.booleans(), max_size=3)
values = st.dictionaries(names, st.none() | st.sampled_from(["x", "y"]), max_size=3)


@st.composite
def changes(draw: st.DrawFn, keys: st.SearchStrategy[OrderKey]) -> Change:
    key = draw(keys)
    tags = {name: Part(TagWish(name, present), key) for name, present in draw(wishes).items()}
    fields = {name: Part(value, key) for name, value in draw(values).items()}
    first_name = draw(st.none() | st.sampled_from(["Ada", "Bob"]))
    return Change(
        tags=tags,
        fields=fields,
        first_name=None if first_name is None else Part(first_name, key),
        ensure=Part(value=True, order=key) if draw(st.booleans()) else None,
    )


few_keys = st.integers(1, 4).map(order)  # so few that two changes often have the same
merged_changes = st.lists(changes(few_keys), max_size=3).map(merge_all)


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """What events ask for, each event with a key of its own."""
    keys = draw(st.lists(st.integers(1, 50), unique=True, max_size=8))
    return [draw(changes(st.just(order(number)))) for number in keys]


@st.composite
def batches(draw: st.DrawFn, history: list[Change]) -> list[list[Change]]:
    """The same changes, shuffled and cut anywhere."""
    shuffled = draw(st.permutations(history))
    cuts = sorted(draw(st.lists(st.integers(0, len(history)), max_size=4)))
    return [shuffled[a:b] for a, b in zip([0, *cuts], [*cuts, len(history)], strict=True)]


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


@given(merged_changes, merged_changes, merged_changes)
def test_merging_is_associative(one: Change, two: Change, three: Change) -> None:
    assert one.merge(two).merge(three) == one.merge(two.merge(three))


@given(merged_changes, merged_changes)
def test_merging_is_commutative_even_under_one_key(one: Change, two: Change) -> None:
    assert one.merge(two) == two.merge(one)


@given(merged_changes, merged_changes)
def test_merging_is_idempotent_and_nothing_changes_nothing(one: Change, two: Change) -> None:
    merged = one.merge(two)

    assert merged.merge(one) == merged.merge(merged) == merged
    assert merged.merge(NOTHING) == NOTHING.merge(merged) == merged


@given(st.data())
def test_any_batches_in_any_order_end_as_the_events_one_by_one(data: st.DataObject) -> None:
    """Given events, when they are shuffled, cut into batches and folded, then Kit ends up the same."""
    history = data.draw(histories())
    one_by_one, folded = Kit(), Kit()
    for asked in sorted(
        history, key=lambda each: min(key for _, key in parts(each).values()) if each else FIRST
    ):
        one_by_one.apply(asked)

    for batch in data.draw(batches(history)):
        folded.apply_newer(merge_all(batch))

    assert folded.state == one_by_one.state


@given(st.data())
def test_a_whole_history_folded_at_once_needs_no_memory_in_kit(data: st.DataObject) -> None:
    history = data.draw(histories())
    one_by_one, folded = Kit(), Kit()
    for asked in sorted(
        history, key=lambda each: min(key for _, key in parts(each).values()) if each else FIRST
    ):
        one_by_one.apply(asked)

    folded.apply(merge_all(data.draw(st.permutations(history))))

    assert folded.state == one_by_one.state


@given(merged_changes)
def test_nothing_is_left_of_what_is_done(asked: Change) -> None:
    assert not asked.without(asked)
    assert asked.without(NOTHING) == asked
    assert not NOTHING.without(asked)


@given(merged_changes, merged_changes)
def test_what_is_left_completes_what_is_done(done: Change, asked: Change) -> None:
    """Given a part of a merged change is done, then the rest and that part make up the whole."""
    merged = done.merge(asked)

    left = merged.without(done)

    assert parts(left.merge(done)).keys() == parts(merged).keys()
    assert {name: key for name, (_, key) in parts(left.merge(done)).items()} == {
        name: key for name, (_, key) in parts(merged).items()
    }
    assert all(key > parts(done).get(name, ("", FIRST))[1] for name, (_, key) in parts(left).items())


@given(histories(), histories())
def test_what_is_left_and_what_is_done_make_the_very_same_change(
    done: list[Change], asked: list[Change]
) -> None:
    """Given no two events share a key, then `merged.without(done)` merged with `done` is `merged`."""
    mine = merge_all(done)
    taken = {key for _, key in parts(mine).values()}
    theirs = merge_all(each for each in asked if not taken & {key for _, key in parts(each).values()})
    merged = mine.merge(theirs)

    assert merged.without(mine).merge(mine) == merged


@given(histories())
def test_what_still_stands_of_each_event_makes_up_the_whole(history: list[Change]) -> None:
    """Given a folded history, then each part stands in exactly one event: the newest that asked for it."""
    merged = merge_all(history)

    standing = [each.standing(merged) for each in history]

    assert merge_all(standing) == merged
    assert sum(len(parts(each)) for each in standing) == len(parts(merged))


@given(merged_changes)
def test_all_of_a_change_stands_in_itself_and_none_of_it_in_nothing(asked: Change) -> None:
    assert asked.standing(asked) == asked
    assert not asked.standing(NOTHING)


def test_what_a_later_event_takes_back_does_not_stand() -> None:
    added = change(1, add=("VIP",), fields={"plan": "Annual"})
    removed = change(2, remove=("vip",))

    standing = added.standing(added.merge(removed))

    assert standing == change(1, fields={"plan": "Annual"}, ensure=False)


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
