"""Which calls a change needs: a plan, before anything is sent."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.examples import EMAIL, change, order
from worker.kit.plan import (
    MAX_FIELDS,
    STAGES,
    AddTag,
    FindSubscriber,
    NameIfCreated,
    RemoveTag,
    Step,
    Unsubscribe,
    Upsert,
    plan,
)
from worker.kit.told import MAX_TOLD
from worker.mapping import Options
from worker.subscribers.change import NOTHING, Change, merge_all
from worker.subscribers.parts import Part

OPTIONS = Options()
IF_CREATED = Options(first_name="if_created")


def fields(count: int) -> dict[str, str | None]:
    return {f"field {number}": f"value {number}" for number in range(count)}


def upserts(steps: list[Step]) -> list[Upsert]:
    return [step for step in steps if isinstance(step, Upsert)]


def values(upsert: Upsert) -> dict[str, str | None]:
    return {name: part.value for name, part in upsert.fields.items()}


def test_a_known_subscriber_whose_tags_change_needs_no_upsert() -> None:
    asked = change(add=("New",), remove=("Old",))

    assert plan(asked, OPTIONS, known=True) == [
        RemoveTag("old", asked.tags["old"]),
        AddTag("new", asked.tags["new"]),
    ]


def test_the_subscriber_and_fields_come_first_then_removals_and_additions_last() -> None:
    """Whatever the order in the change, emails that a new tag starts see the finished state."""
    asked = merge_all(
        [
            change(1, add=("A", "B")),
            change(2, remove=("C",)),
            change(3, fields=fields(11)),
            change(4, add=("D",)),
        ]
    )

    steps = plan(asked, OPTIONS, known=False)

    assert [type(step) for step in steps] == [Upsert, Upsert, RemoveTag, AddTag, AddTag, AddTag]


def test_a_first_name_that_only_new_people_get_comes_before_the_tags() -> None:
    asked = change(add=("A",), remove=("B",), first_name="Ada")

    steps = plan(asked, IF_CREATED, known=False)

    assert [type(step) for step in steps] == [Upsert, NameIfCreated, RemoveTag, AddTag]


def test_whom_nobody_creates_is_found_first_and_unsubscribed_last() -> None:
    off = Part(value=True, order=order(1))
    asked = change(add=("A", "Old"), remove=("B",), first_name="Ada")
    asked = replace(asked, creates=None, unsubscribe=off, first=frozenset({"old"}))

    steps = plan(asked, IF_CREATED, known=False)

    assert [type(step) for step in steps] == [step for step in STAGES if step is not Upsert]
    assert steps[-1] == Unsubscribe(off)
    fields_set = plan(replace(change(fields=fields(1)), creates=None), OPTIONS, known=False)
    assert [type(step) for step in fields_set] == [FindSubscriber, Upsert]
    assert [upsert.ensure for upsert in upserts(fields_set)] == [None]


@pytest.mark.parametrize("known", [True, False])
def test_who_may_be_created_is_not_for_that_alone(*, known: bool) -> None:
    assert plan(Change(creates=Part("active", order(1))), OPTIONS, known=known) == []


def test_a_step_is_cut_into_pieces_that_do_the_same() -> None:
    asked = change(fields=fields(3), first_name="Ada")
    whole = Upsert(asked.fields, asked.first_name, order(1), "active")

    bare, rest = whole.pieces(())
    assert bare == Upsert({}, None, order(1), "active")
    assert bare.pieces(()) == ()
    values_only, name_only = rest.pieces(())
    assert (values(values_only), name_only) == (fields(3), Upsert({}, asked.first_name))
    assert name_only.pieces(()) == ()
    assert [[*values(piece)] for piece in values_only.pieces(())] == [["field 0"], ["field 1", "field 2"]]
    assert [[*values(piece)] for piece in values_only.pieces(("field 1", "elsewhere"))] == [
        ["field 0", "field 2"],
        ["field 1"],
    ]
    assert [[*values(piece)] for piece in values_only.pieces(fields(3))] == [
        ["field 0"],
        ["field 1", "field 2"],
    ]


def test_an_unknown_subscriber_is_made_sure_of_first_for_the_newest_event() -> None:
    asked = change(1, add=("New",)).merge(change(3, add=("Newer",))).merge(change(2))

    assert plan(asked, OPTIONS, known=False)[0] == Upsert({}, ensure=order(3), state="active")


@pytest.mark.parametrize("known", [True, False])
def test_nothing_left_needs_no_step(*, known: bool) -> None:
    assert plan(NOTHING, OPTIONS, known=known) == []


def test_a_known_subscriber_of_whom_nothing_is_asked_needs_no_call() -> None:
    assert plan(change(), OPTIONS, known=True) == []


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("count", "sizes"),
    [(1, [1]), (MAX_FIELDS, [10]), (MAX_FIELDS + 1, [10, 1]), (20, [10, 10]), (25, [10, 10, 5])],
)
def test_at_most_ten_fields_go_into_one_call(count: int, sizes: list[int], *, known: bool) -> None:
    made = upserts(plan(change(fields=fields(count), first_name="Ada"), OPTIONS, known=known))

    assert [len(upsert.fields) for upsert in made] == sizes
    assert {name: value for upsert in made for name, value in values(upsert).items()} == fields(count)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("count", [0, 1, 11])
def test_the_first_name_goes_with_the_first_call(count: int, *, known: bool) -> None:
    steps = plan(change(fields=fields(count), first_name="Ada"), OPTIONS, known=known)

    first, *others = [upsert.first_name for upsert in upserts(steps)]
    assert first is not None
    assert first.value == "Ada"
    assert others == [None] * (len(steps) - 1)


@pytest.mark.parametrize("known", [True, False])
def test_a_first_name_only_for_new_people_waits_until_it_is_known_who_is_new(*, known: bool) -> None:
    asked = change(first_name="Ada")

    *before, last = plan(asked, IF_CREATED, known=known)

    assert before == ([] if known else [Upsert({}, ensure=order(1), state="active")])
    assert asked.first_name is not None
    assert last == NameIfCreated(asked.first_name)


@pytest.mark.parametrize("state", ["active", "inactive"])
def test_an_upsert_names_the_state_of_people_whom_it_creates(state: str) -> None:
    asked = replace(change(), creates=Part(state, order(1)))

    (upsert,) = upserts(plan(asked, OPTIONS, known=False))

    assert upsert.body(EMAIL, {}) == {"email_address": EMAIL, "state": state}


def test_an_upsert_uses_the_fields_keys_and_an_empty_text_clears() -> None:
    asked = change(fields={"Plan": "Annual", "Ends at": None}, first_name="Ada")

    body = Upsert(asked.fields, asked.first_name).body(EMAIL, {"Plan": "plan", "Ends at": "ends_at"})

    assert body["fields"] == {"plan": "Annual", "ends_at": ""}
    assert body["first_name"] == "Ada"


def test_what_is_not_asked_is_not_sent() -> None:
    """Kit overwrites the first name whenever it is given, also with an empty one."""
    assert Upsert({}, None).body(EMAIL, {}).keys() == {"email_address", "state"}
    named: Part[str] | None = change(first_name="Ada").first_name
    assert Upsert({}, named).body(EMAIL, {}).keys() == {"email_address", "state", "first_name"}


def test_each_part_is_told_under_the_event_that_set_it_with_its_value() -> None:
    """Given events that are folded into one call, none of them claims what another one asked for."""
    first = change(1, fields={"Plan": "Basic", "City": "Köln"}, first_name="Ada", add=("A",))
    folded = first.merge(change(2, fields={"Plan": "Annual", "Ends": None}, remove=("a",)))

    (upsert, untag) = plan(folded, OPTIONS, known=True)

    assert isinstance(upsert, Upsert)
    assert isinstance(untag, RemoveTag)
    assert upsert.asked == {
        order(1): "City 'Köln', first name 'Ada'",
        order(2): "Plan 'Annual', Ends cleared",
    }
    assert untag.asked == {order(2): "tag 'a' off"}


def test_a_subscriber_is_told_under_the_event_for_whose_sake_it_is_made_sure_of() -> None:
    (upsert, _) = plan(change(1, add=("A",)), OPTIONS, known=False)
    assert isinstance(upsert, Upsert)
    assert upsert.asked == {order(1): "the subscriber"}


def test_of_a_long_value_the_beginning_is_told() -> None:
    (upsert,) = upserts(plan(change(1, fields={"Bio": "x" * 100_000}), OPTIONS, known=True))
    assert upsert.asked == {order(1): f"Bio '{'x' * MAX_TOLD}'…"}
