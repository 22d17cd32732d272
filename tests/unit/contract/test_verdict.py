"""The verdict on an event, before anybody has mapped it."""

from __future__ import annotations

import json

import pytest

from tests.unit.examples import NOON
from worker.contract.examples import cloud_event_example, plain_example
from worker.contract.samples import read_samples
from worker.contract.verdict import Verdict, verdict
from worker.errors import Reason
from worker.handlers import HANDLERS

ONE = {"id": "e-1", "type": "user.signed_up", "data": {"user": {"email": "ada@example.com"}}}


def of(event: object, key: str = "user.signed_up", app: str = "") -> Verdict:
    (sample,) = read_samples(
        event if isinstance(event, bytes) else json.dumps(event).encode(), "f", broken=True
    )
    return verdict(sample, key, app, NOON)


@pytest.mark.parametrize("kind", HANDLERS)
def test_the_contracts_own_examples_are_good(kind: str) -> None:
    for example in (plain_example(HANDLERS[kind]), cloud_event_example(HANDLERS[kind])):
        assert of(example, kind).error is None
        assert of(example, f"{kind}.sunny", "sunny").error is None


@pytest.mark.parametrize(
    ("event", "key", "reason", "problem"),
    [
        ({**ONE, "data": {"user": {}}}, "user.signed_up", Reason.INVALID_EVENT, "data.user.email: missing"),
        ({**ONE, "time": "2026-07-01T12:06:00Z"}, "user.signed_up", Reason.INVALID_EVENT, "time: 2026-07"),
        ({"data": ONE["data"]}, "", Reason.INVALID_EVENT, "type: missing"),
        (ONE, "x" * 256, Reason.INVALID_EVENT, "routing key: longer than 255 bytes"),
        (b"{", "", Reason.UNDECODABLE, "body: not JSON"),
        (5, "", Reason.UNDECODABLE, "body: must be a JSON object"),
        ({**ONE, "more": "x" * 262_144}, "user.signed_up", Reason.UNDECODABLE, "body: 262"),
    ],
    ids=range(7),
)  # fmt: skip
def test_a_bad_event_is_refused_with_the_reason_of_its_dead_letter(
    event: object, key: str, reason: Reason, problem: str
) -> None:
    error = of(event, key).error

    assert error is not None
    assert error.reason is reason
    assert str(error).startswith(problem)
