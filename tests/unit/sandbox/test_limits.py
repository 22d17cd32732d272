"""Credentials and the rolling limit."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.sandbox import Sandbox
from worker.sandbox.credentials import Credential, Kind, credential_of
from worker.sandbox.limits import Limits

from .harness import KEY, kit

API_KEY = Credential(Kind.API_KEY, "k")


@given(gaps=st.lists(st.floats(0, 30), max_size=80), limit=st.integers(1, 8))
def test_no_window_ever_admits_more_than_the_limit_nor_refuses_without_need(
    gaps: list[float], limit: int
) -> None:
    limits = Limits(limit=limit)
    admitted: list[float] = []
    now = 0.0
    for gap in gaps:
        now += gap
        within = [at for at in admitted if at > now - 60.0]
        assert limits.admit(API_KEY, now) is (len(within) < limit)
        if len(within) < limit:
            admitted.append(now)


def test_a_burst_counts_for_exactly_sixty_seconds() -> None:
    limits = Limits(limit=True)
    burst = [limits.admit(API_KEY, 0.0) for _ in range(121)]

    assert burst == [True] * 120 + [False]
    assert not limits.admit(API_KEY, 59.999)
    assert limits.admit(API_KEY, 60.0)


def test_an_access_token_has_600_and_limits_can_be_off() -> None:
    token = Credential(Kind.OAUTH, "k")
    limits, off = Limits(limit=True), Limits(limit=False)

    assert sum(limits.admit(token, 0.0) for _ in range(700)) == 600
    assert all(off.admit(API_KEY, 0.0) for _ in range(700))
    assert off.peak("k") == 700


def test_the_peak_counts_refused_requests_too() -> None:
    limits = Limits(limit=2)
    for now in (0.0, 10.0, 20.0, 61.0):
        limits.admit(API_KEY, now)

    assert limits.peak("k") == 3
    assert limits.peak("another") == 0


async def test_beyond_the_limit_the_answer_is_plain_text_without_a_hint_when_to_retry() -> None:
    now = 0.0
    async with kit(Sandbox(limit=2, monotonic=lambda: now)) as call:
        within = [(await call("GET", "/v4/account")).status for _ in range(2)]
        beyond = await call("GET", "/v4/account")
        another_key = await call("GET", "/v4/account", key="key-0002")
        now = 60.0
        later = await call("GET", "/v4/account")

        assert within == [200, 200]
        assert (beyond.status, beyond.text, beyond.content_type) == (429, "Retry later", "text/plain")
        assert not [name for name in beyond.headers if "retry" in name.lower() or "limit" in name.lower()]
        assert (another_key.status, later.status) == (200, 200)
        assert call.sandbox.count(KEY, status=429) == 1
        assert call.sandbox.peak(KEY) == 3


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-Kit-Api-Key": "abc"}, Credential(Kind.API_KEY, "abc")),
        ({"Authorization": "Bearer abc"}, Credential(Kind.OAUTH, "abc")),
        ({"Authorization": "bearer abc"}, Credential(Kind.OAUTH, "abc")),
        ({"Authorization": "Basic abc"}, None),
        ({"Authorization": "Bearer "}, None),
        ({"X-Kit-Api-Key": ""}, None),
        ({}, None),
    ],
)
def test_a_credential_is_an_api_key_or_a_bearer_token(
    headers: dict[str, str], expected: Credential | None
) -> None:
    assert credential_of(headers) == expected


async def test_only_accepted_keys_open_an_account_and_each_its_own() -> None:
    async with kit(Sandbox(keys={"key-a": "Sunny Kitchen", "key-b": "Quiet Garden"})) as call:
        names = [
            (await call("GET", "/v4/account", key=key)).json["account"]["name"] for key in ("key-a", "key-b")
        ]
        await call("POST", "/v4/tags", {"name": "VIP"}, key="key-a")
        wrong = await call("GET", "/v4/account", key="key-c")
        missing = await call("GET", "/v4/account", key=None)

        assert names == ["Sunny Kitchen", "Quiet Garden"]
        assert call.sandbox.account("key-a").tags().keys() == {"VIP"}
        assert call.sandbox.account("key-b").tags() == {}
        assert (wrong.status, wrong.json) == (401, {"errors": ["The access token is invalid"]})
        assert (missing.status, missing.json) == (401, {"errors": ["Authentication Failed"]})


def test_two_accounts_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="same name"):
        Sandbox(keys={"key-a": "Sunny Kitchen", "key-b": "Sunny Kitchen"})


async def test_any_key_opens_an_account_of_its_own_by_default() -> None:
    async with kit() as call:
        await call("POST", "/v4/tags", {"name": "VIP"}, key="one")
        other = await call("GET", "/v4/tags", key="two")

    assert other.json["tags"] == []


async def test_bulk_endpoints_refuse_an_api_key() -> None:
    async with kit() as call:
        with_key = await call("POST", "/v4/bulk/tags", {"tags": [{"name": "VIP"}]})

    assert with_key.status == 401


@pytest.mark.parametrize(
    "path", ["/v4/nothing", "/v4/subscribers/abc", "/v4/subscribers/²", f"/v4/tags/{'9' * 40}"]
)
async def test_an_unknown_path_is_not_found_and_said_to_be_one(path: str) -> None:
    async with kit() as call:
        reply = await call("GET", path)

    assert reply.status == 404
    assert reply.json["errors"] == ["Not Found", f"This sandbox has no GET {quote(path)}"]
