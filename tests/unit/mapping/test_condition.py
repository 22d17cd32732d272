"""One line of `when` or `unless`: what of an event it holds for."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Json, Number, as_found, number_text
from worker.mapping.condition import Condition, Operator, is_like, is_same, keys


def holds(operator: str, *values: str, found: Json) -> bool:
    """Whether a line holds for a value as it stands in an event's JSON."""
    return Condition("data.x", values, Operator(operator)).holds(lambda _: as_found(found, "x"))


N49 = Number("49")


@pytest.mark.parametrize(
    ("values", "found", "same"),
    [
        (("Annual",), "Annual", True),
        (("Annual",), "annual", False),
        (("Monthly", "Annual"), "Annual", True),
        ((N49,), 49, True),
        ((N49,), 49.0, True),
        ((N49,), "49", True),
        ((N49,), "49.0", True),
        ((N49,), "49.00 ", True),
        ((N49,), 49.5, False),
        ((N49,), "49 EUR", False),
        ((N49,), "049", False),
        (("49",), 49, True),
        (("49",), 49.0, True),
        (("49.0",), 49, True),
        (("49",), "49.0", False),
        (("1.0",), "1", False),
        (("007",), 7, False),
        (("007",), "7", False),
        ((Number("0.3"),), 0.1 + 0.2, True),
        (("true",), True, True),
        (("1",), True, False),
        ((Number("1"),), True, False),
        (("cake",), ["tea", "cake"], True),
        (("Cake",), ["tea", "cake"], False),
        (("tea, cake",), ["tea", "cake"], False),
        ((N49,), [1, 49.0], True),
        (("x",), [], False),
        (("null",), None, False),
        (("",), "", False),
    ],
)
def test_a_value_is_the_same_to_the_letter_or_as_a_number(
    values: tuple[str, ...], found: Json, *, same: bool
) -> None:
    """Text compares to the letter, and as a number where one of the two is a number: 49 is 49.0 and "49"."""
    assert holds("is", *values, found=found) is same
    assert holds("not", *values, found=found) is not same


@pytest.mark.parametrize("found", [None, "", "  ", [], [None]])
def test_no_value_is_not_this_one_either_and_neither_above_nor_like_anything(found: Json) -> None:
    assert holds("not", "de", "fr", found=found)
    assert not any(holds(each, "0", found=found) for each in ("is", "above", "at_least", "below", "at_most"))
    assert not holds("like", "*", found=found)


def test_a_list_is_not_this_one_only_if_none_of_its_values_is() -> None:
    assert holds("not", "de", found=["en", "it"])
    assert not holds("not", "de", found=["en", "de"])


@pytest.mark.parametrize(
    ("found", "above", "at_least", "below", "at_most"),
    [
        (39.99, False, False, True, True),
        (40, False, True, False, True),
        (40.0, False, True, False, True),
        ("40.00", False, True, False, True),
        ("40.01", True, True, False, False),
        (1e21, True, True, False, False),
        ("forty", False, False, False, False),
        ("1,000", False, False, False, False),
        (True, False, False, False, False),
        ([5, 100], True, True, True, True),
    ],
)
def test_numbers_compare_as_numbers(
    found: Json, *, above: bool, at_least: bool, below: bool, at_most: bool
) -> None:
    """Text that is a number counts as one; whatever is none is neither above nor below anything."""
    assert holds("above", "40", found=found) is above
    assert holds("at_least", "40", found=found) is at_least
    assert holds("below", "40", found=found) is below
    assert holds("at_most", "40", found=found) is at_most


@given(
    one=st.integers(-500, 500),
    other=st.integers(-500, 500),
    cents=st.sampled_from([1, 10, 100]),
    text=st.booleans(),
)
def test_sizes_are_those_of_arithmetic(one: int, other: int, cents: int, *, text: bool) -> None:
    exact, limit = Decimal(one) / cents, Decimal(other) / cents
    found: Json = number_text(one / cents) if text else one / cents
    expected = {
        "above": exact > limit,
        "at_least": exact >= limit,
        "below": exact < limit,
        "at_most": exact <= limit,
    }
    assert {name: holds(name, f"{limit:f}", found=found) for name in expected} == expected


@pytest.mark.parametrize("found", ["x", 0, False, ["x"], {"a": 1}, [{"a": 1}]])
def test_whatever_is_there_is_present(found: Json) -> None:
    """Also an object, which can be compared with nothing, and 0 and false, which are values."""
    assert holds("present", "true", found=found)
    assert not holds("present", "false", found=found)


@pytest.mark.parametrize("found", [None, "", " ", []])
def test_null_and_blanks_are_not_present(found: Json) -> None:
    assert not holds("present", "true", found=found)
    assert holds("present", "false", found=found)


def test_a_value_that_is_missing_is_not_present() -> None:
    def find(_: str) -> Found:
        return MISSING

    assert Condition("data.x", ("false",), Operator.PRESENT).holds(find)


@pytest.mark.parametrize("operator", sorted(set(Operator) - {Operator.PRESENT}))
def test_an_object_can_be_compared_with_nothing(operator: Operator) -> None:
    with pytest.raises(InvalidEvent, match="an object"):
        holds(operator, "5", found={"a": 5})


@pytest.mark.parametrize(
    ("pattern", "text", "like"),
    [
        ("VIP*", "VIP lounge", True),
        ("VIP*", "VIP", True),
        ("VIP*", "vip", False),
        ("VIP*", "A VIP", False),
        ("*VIP", "A VIP", True),
        ("*VIP*", "A VIP here", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("a*a", "a", False),
        ("*a*a*", "a", False),
        ("*ab*ba*", "abba", True),
        ("*ab*ba*", "aba", False),
        ("*", "", True),
        ("**", "x", True),
        ("a.c*", "abc", False),
        ("[a]*", "a", False),
        ("?*", "x", False),
    ],
)
def test_a_star_stands_for_anything(pattern: str, text: str, *, like: bool) -> None:
    assert is_like(text, pattern) is like


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_patterns_are_those_of_a_regular_expression(pattern: str, text: str) -> None:
    expression = ".*".join(map(re.escape, pattern.split("*")))

    assert is_like(text, pattern) is (re.fullmatch(expression, text) is not None)


texts = st.sampled_from(["1", "1.0", "01", "x", "X", "49", "49.0", "-0", "0"])
values = texts | texts.filter(lambda text: re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text)).map(Number)


@given(values, values)
def test_what_is_the_same_is_filed_under_a_key_in_common(one: str, other: str) -> None:
    assert is_same(one, other) is is_same(other, one)
    if is_same(one, other):
        assert set(keys([one])) & set(keys([other]))
