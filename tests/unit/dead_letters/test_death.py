"""What RabbitMQ notes of a death, as people are told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.dead_letters.death import death_detail, death_time, first_death

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("delivery_limit", "no worker settled it"),
        ("expired", "message-ttl"),
        ("maxlen", "max-length"),
        ("rejected", "rejected it"),
        ("something new", "no worker settled it"),
    ],
)
def test_why_rabbitmq_took_it_out_is_said_as_it_was(reason: str, says: str) -> None:
    said = death_detail({"queue": "kit.sunny", "reason": reason})

    assert said.startswith(f"RabbitMQ took it out of kit.sunny ({reason}): ")
    assert says in said
    assert ("no worker settled it" in said) is (says == "no worker settled it")


def test_the_latest_death_stands_first() -> None:
    assert first_death({"x-death": [{"reason": "expired"}, {"reason": "maxlen"}]}) == {"reason": "expired"}


@pytest.mark.parametrize("headers", [{}, {"x-death": []}, {"x-death": "?"}, {"x-death": [7]}])
def test_marks_that_are_none_tell_of_no_death(headers: dict[str, object]) -> None:
    assert first_death(headers) == {}


def test_when_it_was_is_told_where_it_is_noted() -> None:
    assert death_time({"time": NOON}) == "2026-07-01T12:00:00Z"
    assert death_time({"time": "?"}) == ""
