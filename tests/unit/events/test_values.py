"""Values out of an event's JSON, as the text that Kit stores."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Json, as_text, lookup, time_text

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
        (1e16, "1e+16"),
        (5.0, "5.0"),
    ],
)
def test_a_value_becomes_the_text_that_json_writes_and_blanks_count_as_missing(
    value: Json, text: Found
) -> None:
    assert as_text(value, "user.plan") == text


@pytest.mark.parametrize(("value", "kind"), [([], "a list"), (["a"], "a list"), ({}, "an object")])
def test_lists_and_objects_cannot_be_sent_and_the_message_names_the_field(value: Json, kind: str) -> None:
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
    assert json.loads(text) == number


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
