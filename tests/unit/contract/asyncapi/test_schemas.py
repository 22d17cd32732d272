"""What the document's schemas take, the worker takes, and what the worker refuses, they refuse as well."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.contract.asyncapi.document import MESSAGES, PLAIN, STRUCTURED, is_taken, validator
from worker.events.times import MOST_MILLISECONDS

BINARY = MESSAGES["userSignedUpBinaryCloudEvent"]["examples"][0]

PATHS = [
    ("id",), ("type",), ("time",), ("occurred_at",), ("sequence",), ("specversion",), ("source",), ("data",),
    ("data", "user"), ("data", "user", "email"), ("data", "user", "id"), ("data", "user", "first_name"),
    ("data", "subscription"), ("data", "subscription", "plan"), ("data", "access"),
    ("data", "access", "level"), ("data", "other"),
]  # fmt: skip
letters = st.characters(min_codepoint=32, max_codepoint=126)
texts = st.text(letters, max_size=6) | st.sampled_from([
    "", " ", "ada@example.com", "Ada@Example.test", " ada@example.com", "ada@example", "ada@localhost",
    "2026-07-01T10:00:00Z", "2026-02-29T10:00:00Z", "2026-07-01", "1.0", "0.3", "x" * 255, "x" * 256,
    "user.signed_up", "order.paid",
])  # fmt: skip
numbers = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
values = (
    scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.sampled_from(["user", "email"]), scalars)
)
changes = st.lists(st.tuples(st.sampled_from(PATHS), values | st.just(...)), min_size=1, max_size=3)


def changed(event: Mapping[str, Any], to: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    """An event with other values at some paths; without them where the value is an ellipsis."""
    made: dict[str, Any] = deepcopy(dict(event))
    for path, value in to:
        place: Any = made
        for key in path[:-1]:
            place = place.get(key) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(path[-1], None)
            if value is not ...:
                place[path[-1]] = value
    return made


@given(st.sampled_from([("userSignedUp", PLAIN), ("userSignedUpCloudEvent", STRUCTURED)]), changes)
@example(("userSignedUpCloudEvent", STRUCTURED), [(("time",), ...), (("occurred_at",), False)])
@settings(max_examples=400)
def test_what_a_schema_takes_the_worker_takes(message: tuple[str, Any], to: list[Any]) -> None:
    """Given any change of an example, then what the worker refuses, its schema refuses as well."""
    name, event = message[0], changed(message[1], to)

    assert is_taken(event) or not validator(name).is_valid(event)


header_values = values | st.integers(0, 2 * MOST_MILLISECONDS)


@given(
    st.sampled_from(["cloudEvents:", "cloudEvents_", "ce-"]),
    st.dictionaries(
        st.sampled_from(["id", "type", "time", "sequence", "specversion", "x"]), header_values, max_size=3
    ),
)
@example("cloudEvents:", {"time": MOST_MILLISECONDS})
@settings(max_examples=300)
def test_what_the_schema_of_headers_takes_the_worker_takes(prefix: str, other: dict[str, Any]) -> None:
    headers = BINARY["headers"] | {f"{prefix}{name}": value for name, value in other.items()}
    if prefix != "cloudEvents:":  # one event in one binding: what two say is no matter of a schema
        headers = {f"{prefix}{name.removeprefix('cloudEvents:')}": value for name, value in headers.items()}
        headers |= {f"{prefix}{name}": value for name, value in other.items()}

    valid = validator("userSignedUpBinaryCloudEvent", "headers").is_valid(headers)
    assert is_taken(BINARY["payload"], headers) or not valid


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"user": {}},
        {"user": {"email": 5}},
        {"user": {"email": "ada at example.com"}},
        {"user": {"email": "ada@example.com", "id": [1]}},
        {"user": {"email": "ada@example.com"}, "subscription": "Annual"},
        {"user": {"email": "ada@example.com"}, "access": {"level": {}}},
    ],
)
@pytest.mark.parametrize("name", ["userSignedUp", "userSignedUpCloudEvent"])
def test_what_the_worker_refuses_the_schema_refuses_too(data: dict[str, Any], name: str) -> None:
    event = {**(PLAIN if name == "userSignedUp" else STRUCTURED), "data": data}

    assert not validator(name).is_valid(event)
    assert not is_taken(event)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"id": ...},
        {"time": ...},
        {"time": "2026-07-01T12:00:00.123456789+02:00"},
        {"time": ..., "occurred_at": "2026-07-01T10:00:00Z"},
        {"data": {"user": {"email": "zoë@bücher.example", "locale": "de", "first_name": None, "id": 7}}},
        {
            "data": {
                "user": {"email": "ada@example.com"},
                "order": {"total": 5, "items": [{}]},
                "access": None,
            }
        },
        {"more": {"of": "yours"}},
    ],
)
def test_what_a_platform_sends_is_taken_by_both(change: dict[str, Any]) -> None:
    """Given ordinary events, then the schemas are no stricter than the worker."""
    event = changed(PLAIN, [((name,), value) for name, value in change.items()])

    assert is_taken(event)
    validator("userSignedUp").validate(event)


def test_data_may_be_base64_and_only_one_of_the_two() -> None:
    packed = {**STRUCTURED, "data_base64": "eyJ1c2VyIjp7ImVtYWlsIjoiYWRhQGV4YW1wbGUuY29tIn19"}
    alone = {name: value for name, value in packed.items() if name != "data"}
    schema = validator("userSignedUpCloudEvent")

    assert (is_taken(alone), schema.is_valid(alone)) == (True, True)
    assert (is_taken(packed), schema.is_valid(packed)) == (False, False)
    assert not schema.is_valid({**alone, "data_base64": "?"})
