"""Event files as people write them, and events made up from a few settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.examples import NOON
from worker.contract.samples import NotJsonError, made_up, read_samples, refusal

ONE = {"id": "e-1", "type": "user.signed_up", "data": {"user": {"email": "ada@example.com"}}}


def test_one_event_is_kept_to_the_letter() -> None:
    text = b'  {"type" : "a.b",\n "data": {}}\n'

    (sample,) = read_samples(text, "f.json")

    assert (sample.body, sample.type, sample.where) == (text.strip(), "a.b", "f.json")


def test_an_array_and_json_lines_hold_several() -> None:
    two = {**ONE, "id": "e-2", "specversion": "1.0"}

    array = read_samples(json.dumps([ONE, two]).encode(), "f.json")
    lines = read_samples(f"{json.dumps(ONE)}\n\n{json.dumps(two)}\n".encode(), "f.jsonl")

    assert [each.id for each in array] == [each.id for each in lines] == ["e-1", "e-2"]
    assert [each.where for each in lines] == ["f.jsonl:1", "f.jsonl:3"]
    assert [each.content_type for each in array] == ["application/json", "application/cloudevents+json"]


def test_json_that_is_no_event_is_still_a_sample() -> None:
    """Given a test tool, what the worker would refuse can be published too."""
    (sample,) = read_samples(b"5", "f.json")

    assert (sample.body, sample.type) == (b"5", "")


def test_what_is_not_json_is_refused_with_its_line() -> None:
    with pytest.raises(NotJsonError, match=r"f\.jsonl:2: not JSON"):
        read_samples(b'{"type": "a"}\n{', "f.jsonl")
    with pytest.raises(NotJsonError, match=r"f\.json:1: not JSON: nested deeper than 32 levels"):
        read_samples(b"[" * 50_000, "f.json")


def put(*settings: str) -> Any:  # noqa: ANN401  # any JSON
    """The data of a made-up event."""
    return json.loads(made_up("order.paid", settings, NOON).body)["data"]


@pytest.mark.parametrize(
    ("setting", "data"),
    [
        ("mk_subscription_plan=Annual", {"subscription": {"plan": "Annual"}}),
        ("subscription.plan=Annual", {"subscription": {"plan": "Annual"}}),
        ("data.order.total=5", {"order": {"total": "5"}}),
        ("order.total=", {"order": {"total": ""}}),
        ("order.note=a=b", {"order": {"note": "a=b"}}),
        ("order.paid=true", {"order": {"paid": "true"}}),
        ("order.note=null", {"order": {"note": None}}),
        ('order.note="null"', {"order": {"note": "null"}}),
        ("order.items=[1]", {"order": {"items": [1]}}),
    ],
)
def test_a_setting_is_text_unless_it_is_null_or_begins_as_json(setting: str, data: dict[str, Any]) -> None:
    made = put(setting)

    del made["user"]
    assert made == data


def test_without_an_address_one_stands_in() -> None:
    assert put("user.id=5")["user"] == {"id": "5", "email": "somebody@example.com"}
    assert put("user.email=ada@example.com")["user"] == {"email": "ada@example.com"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["plan"], "not of the form name=value"),
        (["mk_plan=x"], "no such platform field"),
        (["a..b=x"], "should be a platform field or a path"),
        (["a=x", "a.b=y"], "set to a value already"),
        (["a={x"], "begins as JSON but is none"),
        (["a=" + "[" * 50_000], "begins as JSON but is none: nested deeper than 32 levels"),
        (["a=" + "[" * 500 + "]" * 500], "begins as JSON but is none: nested deeper than 32 levels"),
        (["a." * 5000 + "b=x"], "a path has 5,001 levels, and an event at most 32"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(settings: list[str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        put(*settings)


def test_what_the_worker_would_refuse_is_known_beforehand() -> None:
    bad = {**ONE, "data": {"user": {"email": "nobody"}}}
    good, wrong = read_samples(json.dumps([ONE, bad]).encode(), "f.json")

    assert refusal(good, "user.signed_up.app", "app", NOON) is None
    assert str(refusal(wrong, "user.signed_up", "", NOON)) == "data.user.email: not an email address"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b'{"type": "a"}\n{\n\n\xff\n5\n', ["f:1", "f:2", "f:4", "f:5"]),
        (b'{\n{"type": "a"}', ["f:1", "f:2"]),
        (b'{\n "type": "a",\n "data": {}\n', ["f"]),
        (b"nonsense\n5", ["f"]),
    ],
)
def test_what_is_not_json_is_a_sample_too_where_that_is_asked_for(text: bytes, where: list[str]) -> None:
    """Given lines of which one is an event, then each line is one; else all of it is one broken event."""
    samples = read_samples(text, "f", broken=True)

    assert [each.where for each in samples] == where
    assert all(each.body in text for each in samples)


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize(
    ("text", "says"), [(b" \n", "f: is empty"), (b" [ ] ", "f: holds no event: the list in it is empty")]
)
def test_what_is_empty_holds_no_event(text: bytes, says: str, *, broken: bool) -> None:
    with pytest.raises(NotJsonError, match=says):
        read_samples(text, "f", broken=broken)
