"""Which of an event's values goes to a field, and how it is written there."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo

import pytest

from worker.errors import InvalidEvent
from worker.events.values import MISSING, Found, Lookup, Missing, Number
from worker.mapping.fields import FieldTarget, values_of
from worker.mapping.owed import Owed

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def finds(**values: Found) -> Lookup:
    def find(name: str) -> Found:
        if name == "odd":
            raise InvalidEvent("data.odd: an object")
        return values.get(name, MISSING)

    return find


def date(value: Found, timezone: tzinfo = UTC) -> str | Missing | None:
    return FieldTarget("ends", "Ends", "date").value(finds(ends=value), timezone)


def test_a_list_is_one_text() -> None:
    target = FieldTarget("interests", "Interests")

    assert target.value(finds(interests=("tea", "cake")), UTC) == "tea, cake"


@pytest.mark.parametrize(
    ("value", "timezone", "text"),
    [
        ("2027-07-01T23:30:00Z", UTC, "2027-07-01"),
        ("2027-07-01T23:30:00Z", BERLIN, "2027-07-02"),
        ("2027-01-01T02:00:00Z", NEW_YORK, "2026-12-31"),
        ("2027-07-01", BERLIN, "2027-07-01"),
        ("2027-07-01", NEW_YORK, "2027-07-01"),
        ("2027-07-01T00:30:00", NEW_YORK, "2027-07-01"),
        (Number("1782856800"), BERLIN, "2026-07-01"),
        (None, BERLIN, None),
        (MISSING, BERLIN, MISSING),
    ],
)
def test_a_time_as_a_date_is_the_day_it_is_where_the_account_is(
    value: Found, timezone: tzinfo, text: str | Missing | None
) -> None:
    assert date(value, timezone) == text


def test_what_is_no_time_has_no_date_and_costs_its_field_alone() -> None:
    owed = Owed()
    targets = (FieldTarget("ends", "Ends", "date"), FieldTarget("odd", "Odd"), FieldTarget("plan", "Plan"))

    assert values_of(targets, finds(ends="soon", plan="Gold"), UTC, owed) == {"Plan": "Gold"}
    assert owed == ["ends: is not a time such as 2027-07-01T10:00:00Z or 2027-07-01", "data.odd: an object"]


@pytest.mark.parametrize(
    ("values", "sent"),
    [
        ({"a": "1", "b": "2"}, "1"),
        ({"b": "2", "c": "3"}, "2"),
        ({"a": None, "c": "3"}, "3"),
        ({"a": None}, None),
        ({"c": None}, None),
        ({}, MISSING),
    ],
)
def test_of_several_sources_the_first_that_has_a_value_is_sent(
    values: dict[str, Found], sent: str | Missing | None
) -> None:
    """Where none has one, a null among them clears the field."""
    target = FieldTarget("a", "Field", otherwise=("b", "c"))

    assert target.sources == ("a", "b", "c")
    assert target.value(finds(**values), UTC) == sent


def test_a_source_of_the_wrong_form_is_not_passed_over_for_another_one() -> None:
    with pytest.raises(InvalidEvent, match=r"data\.odd"):
        FieldTarget("a", "Field", otherwise=("odd", "b")).value(finds(b="2"), UTC)
    assert FieldTarget("b", "Field", otherwise=("odd",)).value(finds(b="2"), UTC) == "2"


def test_one_source_may_go_to_several_fields() -> None:
    targets = (FieldTarget("ends", "Ends"), FieldTarget("ends", "Ends on", "date"))

    assert values_of(targets, finds(ends="2027-07-01T10:00:00Z"), UTC, Owed()) == {
        "Ends": "2027-07-01T10:00:00Z",
        "Ends on": "2027-07-01",
    }
