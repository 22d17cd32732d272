"""Values out of an event's JSON, as the text that Kit stores."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Json, as_text, lookup, number_in, number_text, time_text

DATA: dict[str, Json] = {
    "user": {"locale": "de", "age": 0, "tags": ["a"], "gone": None},
    "a.b": 1,
    "": {"": 2},
}

scalars = st.sampled_from([None, True, False, 0, 7, -1.5, "", " ", "text", "  text "])
json_values = (
    scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from("ab."), scalars, max_size=2)
)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("user.locale", "de"),
        ("user.age", 0),
        ("user.gone", None),
        ("user", DATA["user"]),
        ("user.nothing", MISSING),
        ("user.locale.de", MISSING),
        ("user.tags.0", MISSING),
        ("user.gone.x", MISSING),
        ("a.b", MISSING),
        ("nobody.locale", MISSING),
        (".", 2),
        ("", {"": 2}),
    ],
)
def test_a_dotted_path_finds_a_value_or_says_that_there_is_none(path: str, value: object) -> None:
    assert lookup(DATA, path) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Annual", "Annual"),
        ("  Annual\t", "Annual"),
        ("two  words", "two  words"),
        ("", MISSING),
        (" \n\t", MISSING),
        (MISSING, MISSING),
        (None, None),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-7, "-7"),
        (12345678901234567890, "12345678901234567890"),
        (9.5, "9.5"),
        (1e16, "10000000000000000"),
        (1e21, "1000000000000000000000"),
        (5.0, "5"),
        (49.0, "49"),
        (-0.0, "0"),
        (0.1 + 0.2, "0.3"),
        (0.1 + 0.7, "0.8"),
        (3 * 19.99, "59.97"),
        (1e-7, "0.0000001"),
        (1 / 3, "0.3333333333333333"),
        (1234567.123456789, "1234567.123456789"),
        (1000000000000001.0, "1000000000000001"),
        (100000000000000.5, "100000000000000.5"),
        (["tea", " cake ", 3.0, True], "tea, cake, 3, true"),
        (["tea", "", None], "tea"),
        ([], MISSING),
        ([None, " "], MISSING),
    ],
)
def test_a_value_becomes_the_text_that_people_write_and_blanks_count_as_missing(
    value: Json, text: Found
) -> None:
    assert as_text(value, "user.plan") == text


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({}, "an object"),
        ({"a": 1}, "an object"),
        ([{}], "a list of lists or objects"),
        (["a", ["b"]], "a list of lists or objects"),
    ],
)
def test_objects_cannot_be_sent_and_the_message_names_the_field(value: Json, kind: str) -> None:
    with pytest.raises(InvalidEvent, match=rf"^data\.user\.plan: {kind} cannot"):
        as_text(value, "user.plan")


@given(st.dictionaries(st.sampled_from("ab."), json_values, max_size=3), st.text("ab.", max_size=4))
@settings(max_examples=60)
def test_looking_up_any_path_in_any_data_gives_a_value_or_an_invalid_event(
    data: dict[str, Json], path: str
) -> None:
    try:
        found = as_text(lookup(data, path), path)
    except InvalidEvent as error:
        assert str(error).startswith(f"data.{path}: ")  # noqa: PT017  # either outcome is right
    else:
        assert found is None or found is MISSING or (isinstance(found, str) and found.strip() == found != "")


@given(st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans())
@settings(max_examples=60)
def test_a_number_reads_back_as_it_was(number: float) -> None:
    text = as_text(number, "x")

    assert isinstance(text, str)
    if isinstance(number, float):
        assert float(text) == pytest.approx(number, rel=1e-14, abs=0)
    else:
        assert json.loads(text) == number


whole = st.integers(-(10**6), 10**6)
cents = st.integers(-(10**8), 10**8)


@given(st.floats(allow_nan=False, allow_infinity=False) | whole | cents.map(lambda number: number / 100))
def test_a_number_is_written_without_an_exponent_or_needless_zeros(number: float) -> None:
    text = as_text(number, "x")

    assert isinstance(text, str)
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", text)
    assert text != "-0"
    assert number_in(text) == Decimal(text)


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**8), min_size=1, max_size=8))
def test_sums_of_money_look_as_if_they_were_counted_in_cents(first: int, more: list[int]) -> None:
    """Whatever arithmetic leaves behind the digits, people read what they would have written."""
    counted = Decimal(first) + sum((Decimal(each) for each in more), Decimal(0)) / 100

    assert Decimal(number_text(first + sum(each / 100 for each in more))) == round(counted, 2)


@given(st.decimals(-(10**9), 10**9, places=3))
def test_a_number_of_few_digits_is_written_as_it_was_sent(number: Decimal) -> None:
    assert Decimal(number_text(float(number))) == number


@pytest.mark.parametrize("text", ["", "007", "1e3", "+5", "1,5", ".5", "5.", " 5", "٣", "1" * 401, "NaN"])
def test_what_only_looks_like_a_number_is_none(text: str) -> None:
    assert number_in(text) is None


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 7, 1, 10, 0, tzinfo=UTC), "2026-07-01T10:00:00Z"),
        (datetime(2026, 7, 1, 10, 0, 0, 5, tzinfo=UTC), "2026-07-01T10:00:00.000005Z"),
        (datetime(2026, 7, 1, 10, 0, tzinfo=timezone(timedelta(hours=2))), "2026-07-01T08:00:00Z"),
    ],
)
def test_times_are_written_in_utc(moment: datetime, text: str) -> None:
    assert time_text(moment) == text


def test_missing_says_what_it_is() -> None:
    assert repr(MISSING) == "MISSING"
