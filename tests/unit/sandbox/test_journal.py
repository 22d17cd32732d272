"""The journal of calls and what can be asked of it."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox import Call, Sandbox, overlaps, peak_rate

from .harness import KEY, kit


def call(sequence: int, arrived: float, ended: float | None, agent: str = "a") -> Call:
    return Call(sequence, arrived, arrived, "GET", "/", "GET /", "A", "", agent, "", ended)


async def test_a_call_is_noted_with_who_made_it_and_what_became_of_it() -> None:
    async with kit() as client:
        await client("POST", "/v4/tags", {"name": "VIP"}, agent="kit-worker/w1")
        (noted,) = client.sandbox.calls(KEY)

    assert noted.endpoint == "POST /v4/tags"
    assert (noted.method, noted.path, noted.status, noted.fault) == ("POST", "/v4/tags", 201, None)
    assert (noted.credential, noted.user_agent) == ("…0001", "kit-worker/w1")
    assert noted.client.isdecimal()
    assert noted.ended is not None
    assert noted.ended >= noted.arrived


async def test_counts_go_on_where_the_journal_has_forgotten() -> None:
    async with kit(Sandbox(kept_calls=2)) as client:
        for name in ("a", "b", "b"):
            await client("POST", "/v4/tags", {"name": name})
        await client("GET", "/v4/account", key="key-0002")
        sandbox = client.sandbox

        assert [each.sequence for each in sandbox.calls()] == [3, 4]
        assert sandbox.count() == 4
        assert sandbox.count(KEY) == 3
        assert sandbox.count(KEY, endpoint="POST /v4/tags", status=201) == 2
        assert sandbox.count(endpoint="GET /v4/account") == 1


@pytest.mark.parametrize(
    ("calls", "pairs"),
    [
        ([call(1, 0, 2), call(2, 1, 3, "b")], [(1, 2)]),
        ([call(1, 0, 2), call(2, 2, 3, "b")], []),
        ([call(1, 0, 2), call(2, 1, 3)], []),
        ([call(1, 0, None), call(2, 9, 10, "b")], [(1, 2)]),
        ([call(3, 1, 2, "b"), call(1, 0, 9), call(2, 3, 4, "b")], [(1, 3), (1, 2)]),
    ],
)
def test_overlapping_calls_of_different_callers_are_found(
    calls: list[Call], pairs: list[tuple[int, int]]
) -> None:
    assert [(one.sequence, other.sequence) for one, other in overlaps(calls)] == pairs


def test_without_identity_no_two_calls_may_overlap() -> None:
    assert len(overlaps([call(1, 0, 2), call(2, 1, 3)], identity=None)) == 1


async def test_two_workers_on_one_account_are_caught_and_two_accounts_are_not() -> None:
    async with kit(Sandbox(latency=0.05)) as client:
        await asyncio.gather(
            client("GET", "/v4/account", agent="w1"),
            client("GET", "/v4/account", agent="w2"),
            client("GET", "/v4/account", agent="w3", key="key-0002"),
        )

        assert len(client.sandbox.overlaps(KEY)) == 1
        assert client.sandbox.overlaps("key-0002") == []


@given(st.lists(st.integers(0, 400), max_size=50))
def test_the_peak_rate_is_that_of_the_busiest_window(times: list[int]) -> None:
    calls = [call(number, at, at) for number, at in enumerate(times)]
    expected = max((sum(end - 60 < at <= end for at in times) for end in times), default=0)

    assert peak_rate(calls) == expected
