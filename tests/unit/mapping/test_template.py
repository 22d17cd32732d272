"""A tag's name, filled in from an event."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Lookup
from worker.mapping.template import MOST_TAGS, Template


def finds(values: Mapping[str, Found]) -> Lookup:
    return lambda name: values.get(name, MISSING)


def names(text: str, *, replaces: bool | str = False, **values: Found) -> tuple[str, ...]:
    return Template(text, replaces).names(finds(values))


@pytest.mark.parametrize(
    ("value", "name"), [("Gold", "Gold access"), (MISSING, "Basic access"), (None, "Basic access")]
)
def test_a_default_stands_where_there_is_no_value(value: Found, name: str) -> None:
    assert names("{level|Basic} access", level=value) == (name,)


def test_a_default_may_hold_whatever_a_name_may() -> None:
    assert names("{level| no level (yet)  |x } access") == ("no level (yet) |x access",)
    assert Template("{data.a|b} {data.c}").placeholders == ("data.a", "data.c")


def test_a_list_gives_one_tag_each() -> None:
    assert names("Bought {products}", products=("Tea", "Cake")) == ("Bought Tea", "Bought Cake")


def test_two_lists_give_each_with_each_and_one_named_twice_stands_for_itself() -> None:
    assert names("{a} {b}", a=("1", "2"), b=("x", "y")) == ("1 x", "1 y", "2 x", "2 y")
    assert names("{a}/{a}", a=("1", "2")) == ("1/1", "2/2")


def test_a_list_of_one_is_as_good_as_its_value_also_where_a_tag_replaces() -> None:
    assert names("Plan {plan}", replaces="plan", plan=("Gold",)) == ("Plan Gold",)


@pytest.mark.parametrize("replaces", [True, "plan"])
def test_of_what_replaces_there_is_one_at_a_time(*, replaces: bool | str) -> None:
    with pytest.raises(InvalidEvent, match="somebody has one of these at a time"):
        names("Plan {plan}", replaces=replaces, plan=("Gold", "Silver"))


def test_an_event_does_not_give_any_number_of_tags() -> None:
    many = tuple(map(str, range(MOST_TAGS + 1)))

    assert len(names("Bought {products}", products=many[1:])) == MOST_TAGS
    with pytest.raises(InvalidEvent, match="would be 101 tags; at most 100"):
        names("Bought {products}", products=many)
    with pytest.raises(InvalidEvent, match="would be 10201 tags"):
        names("{a}{b}", a=many, b=many)


def test_what_it_replaces_is_what_its_group_gave_or_its_entry() -> None:
    assert Template("Gold").slot("order.paid") == ""
    assert Template("{a}", replaces=True).slot("order.paid") == "order.paid {a}"
    assert Template("{a}", replaces="plan").slot("order.paid") == Template("b", replaces="plan").slot("x")
    assert Template("{a}", replaces="plan").slot("x") != Template("{a}", replaces="order").slot("x")
