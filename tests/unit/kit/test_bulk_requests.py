"""Bulk calls: never over 100 entries, and an entry counts as done only where nothing speaks against it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import KitUnavailable
from worker.kit.answers import Answer
from worker.kit.bulk_requests import (
    MAX_ENTRIES,
    BulkCall,
    FieldValue,
    NewSubscriber,
    Tagging,
    Untagging,
    call_count,
    calls,
    in_turns,
    subscriber_ids,
    taggings_done,
    taggings_new,
    values_set,
)

ANN, BEN = NewSubscriber("ann@example.com", "active", "Ann"), NewSubscriber("ben@example.com", "active")


def answer(**body: Any) -> Answer:  # noqa: ANN401  # JSON
    return Answer(200, {"failures": [], **body})


def failing(kind: str, *entries: dict[str, Any]) -> list[dict[str, Any]]:
    return [{kind: entry, "errors": ["Kit says no"]} for entry in entries]


@given(st.lists(st.integers(1, 400), max_size=500))
def test_each_entry_is_in_one_call_and_no_call_has_more_than_kit_answers_at_once(ids: list[int]) -> None:
    entries = [Tagging(1, id_) for id_ in ids]
    made = calls(entries)
    sent = [entry for call in made for entry in call.entries]
    assert sorted(sent, key=lambda entry: entry.subscriber_id) == [
        Tagging(1, id_) for id_ in sorted(set(ids))
    ]
    assert all(0 < len(call.entries) <= MAX_ENTRIES for call in made)
    assert len(made) == call_count(len(set(ids)))


def test_what_is_sent() -> None:
    """A missing first name is not sent, since Kit would take null for one."""
    assert BulkCall((ANN, BEN)).body == {
        "subscribers": [
            {"email_address": "ann@example.com", "state": "active", "first_name": "Ann"},
            {"email_address": "ben@example.com", "state": "active"},
        ],
        "callback_url": None,
    }
    assert BulkCall((FieldValue(7, 3, "Annual"),)).body["custom_field_values"] == [
        {"subscriber_id": 7, "subscriber_custom_field_id": 3, "value": "Annual"}
    ]
    put, taken = BulkCall((Tagging(1, 7),)), BulkCall((Untagging(1, 7),))
    assert (put.method, taken.method, put.path) == ("POST", "DELETE", taken.path)
    assert put.body == taken.body == {"taggings": [{"tag_id": 1, "subscriber_id": 7}], "callback_url": None}


def test_subscribers_are_told_by_address_in_any_order_and_case() -> None:
    listed = [{"id": 8, "email_address": "Ben@Example.com"}, {"id": 7, "email_address": "ann@example.com"}]
    assert subscriber_ids(BulkCall((ANN, BEN)), answer(subscribers=listed)) == {ANN: 7, BEN: 8}


@pytest.mark.parametrize("shown", ["ben@example.com", "BEN@example.com", None])
def test_a_subscriber_who_failed_or_is_not_listed_is_not_done(shown: str | None) -> None:
    listed = [{"id": 7, "email_address": "ann@example.com"}]
    failures = failing("subscriber", {"email_address": shown})
    assert subscriber_ids(BulkCall((ANN, BEN)), answer(subscribers=listed, failures=failures)) == {ANN: 7}


def test_a_value_is_done_where_it_is_listed_and_not_among_the_failures() -> None:
    one, two, three = FieldValue(7, 3, "a"), FieldValue(7, 4, "b"), FieldValue(8, 3, "c")
    listed = [{"subscriber_id": 7, "subscriber_custom_field_id": 3, "value": "a"}]
    failures = failing("custom_field_value", {"subscriber_id": 8, "subscriber_custom_field_id": 3})
    done = values_set(BulkCall((one, two, three)), answer(custom_field_values=listed, failures=failures))
    assert done == {one: 7}


@pytest.mark.parametrize(
    ("failure", "in_doubt"),
    [
        ({"tag_id": 1, "subscriber_id": 7}, {(1, 7)}),
        (
            {"tag_id": 1, "subscriber_id": None},
            {(1, 7), (1, 8)},
        ),  # somebody was not found, and who is not said
        ({"tag_id": None, "subscriber_id": 8}, {(1, 8), (2, 8)}),
        ({"tag_id": None, "subscriber_id": None}, {(1, 7), (1, 8), (2, 8)}),
        ({}, {(1, 7), (1, 8), (2, 8)}),
    ],
)
@pytest.mark.parametrize("kind", [Tagging, Untagging])
def test_whatever_a_failure_may_mean_is_not_done(
    kind: type[Tagging], failure: dict[str, Any], in_doubt: set[tuple[int, int]]
) -> None:
    entries = (kind(1, 7), kind(1, 8), kind(2, 8))
    done = taggings_done(BulkCall(entries), answer(failures=failing("tagging", failure)))
    assert {(entry.tag_id, entry.subscriber_id) for entry in entries if entry not in done} == in_doubt


def test_who_is_not_among_the_tagged_was_not_tagged() -> None:
    entries = (Tagging(1, 7), Tagging(1, 8))
    assert taggings_done(BulkCall(entries), answer(subscribers=[{"id": 8}])) == {entries[1]: 8}


@pytest.mark.parametrize(
    "body", [{}, {"failures": None}, {"failures": [1]}, {"subscribers": [], "failures": {}}]
)
def test_what_is_not_kits_answer_to_a_bulk_call_is_no_success(body: dict[str, Any]) -> None:
    """Given 202, or an answer of something in between, nobody knows what was done."""
    for status in (200, 202):
        with pytest.raises(KitUnavailable):
            taggings_done(BulkCall((Tagging(1, 7),)), Answer(status, body, "POST /v4/bulk/tags/subscribers"))
        with pytest.raises(KitUnavailable):
            subscriber_ids(BulkCall((ANN,)), Answer(status, body, "POST /v4/bulk/subscribers"))


EARLIER, BEGAN, LATER = "2026-07-01T11:00:00Z", 1782907200.0, "2026-07-01T12:00:00Z"
"""The second is noon of the first of July."""


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([(7, LATER), (8, LATER), (8, LATER)], {(1, 7): True, (1, 8): True, (2, 8): True}),
        ([(7, EARLIER), (8, EARLIER), (8, EARLIER)], {(1, 7): False, (1, 8): False, (2, 8): False}),
        ([(8, LATER), (7, EARLIER), (8, EARLIER)], {(1, 7): False}),  # nobody knows which of the two is new
        ([(7, LATER), (8, LATER)], {(1, 7): True}),  # of one of the two there is no answer
        ([(7, None), (8, "?"), (8, LATER)], {}),
        ([], {}),
    ],
)
def test_what_was_newly_put_on_the_times_tell(
    rows: list[tuple[int, str | None]], found: dict[tuple[int, int], bool]
) -> None:
    """Given rows that do not say which tag they are about, it is known where all of a person's are alike."""
    call = BulkCall((Tagging(1, 7), Tagging(1, 8), Tagging(2, 8)))
    told = answer(subscribers=[{"id": who, "tagged_at": at} for who, at in rows])
    new = taggings_new(call, told, BEGAN, BEGAN)
    assert {(each.tag_id, each.subscriber_id): is_new for each, is_new in new.items()} == found


def test_between_two_moments_it_is_not_known() -> None:
    call = BulkCall((Tagging(1, 7),))
    told = answer(subscribers=[{"id": 7, "tagged_at": LATER}])
    assert taggings_new(call, told, BEGAN - 600, float("inf")) == {}
    assert taggings_new(call, told, BEGAN + 600, float("inf")) == {Tagging(1, 7): False}


def test_taggings_of_one_person_are_far_from_each_other() -> None:
    """Given more than one call takes, those of one person are in different ones, and none is lost."""
    entries = [Tagging(tag, who) for who in range(100) for tag in (1, 2)]
    placed = in_turns(entries)
    assert sorted(placed, key=lambda each: (each.subscriber_id, each.tag_id)) == entries
    assert [{each.tag_id for each in call.entries} for call in calls(placed)] == [{1}, {2}]
