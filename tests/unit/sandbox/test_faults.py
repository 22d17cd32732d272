"""Faults: which requests they strike, and what the caller then sees."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from worker.sandbox import Call, Fault, FaultKind, Faults, Rule, Sandbox, fault_order

from .harness import KEY, Kit, kit

CALL = Call(1, 0.0, 0.0, "POST", "/v4/tags/7/subscribers", "", "A", "", "", "")
FAULT = Fault(FaultKind.STATUS)


def strikes(rule: Rule, *calls: Call, seed: int = 0) -> list[bool]:
    faults = Faults(seed)
    faults.add(rule)
    return [faults.strike(call) is not None for call in calls]


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        (Rule(FAULT), True),
        (Rule(FAULT, method="POST", path="/v4/tags/*/subscribers", account="A"), True),
        (Rule(FAULT, method="PUT"), False),
        (Rule(FAULT, path="/v4/tags"), False),
        (Rule(FAULT, account="B"), False),
        (Rule(FAULT, when=lambda call: call.path.endswith("subscribers")), True),
        (Rule(FAULT, when=lambda call: call.sequence > 1), False),
        (Rule(FAULT, times=0), False),
    ],
)
def test_a_rule_strikes_only_what_it_describes(rule: Rule, *, struck: bool) -> None:
    assert strikes(rule, CALL) == [struck]


@pytest.mark.parametrize(
    ("rule", "struck"),
    [
        (Rule(FAULT, times=2), [True, True, False, False, False, False]),
        (Rule(FAULT, skip=2, times=1), [False, False, True, False, False, False]),
        (Rule(FAULT, every=3), [False, False, True, False, False, True]),
        (Rule(FAULT, probability=0.0), [False] * 6),
    ],
)
def test_a_rule_strikes_as_often_as_it_says(rule: Rule, struck: list[bool]) -> None:
    assert strikes(rule, *[CALL] * 6) == struck


def test_requests_that_do_not_match_use_nothing_up() -> None:
    other = replace(CALL, method="GET")

    assert strikes(Rule(FAULT, method="POST", skip=1, times=1), other, CALL, other, CALL) == [
        False,
        False,
        False,
        True,
    ]


def test_chance_repeats_with_its_seed() -> None:
    def run(seed: int) -> list[bool]:
        return strikes(Rule(FAULT, probability=0.5), *[CALL] * 64, seed=seed)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 10 < sum(run(7)) < 54


def test_rules_in_a_row_give_requests_in_turn_a_fault_each() -> None:
    faults = Faults()
    kinds = [FaultKind.RESET, FaultKind.HTML, FaultKind.EMPTY]
    for kind in kinds:
        faults.add(Rule(Fault(kind), times=1))

    struck = [faults.strike(CALL) for _ in range(4)]

    assert [fault and fault.kind for fault in struck] == [*kinds, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hang", Rule(Fault(FaultKind.HANG))),
        ("status status=503 times=3", Rule(Fault(FaultKind.STATUS, status=503), times=3)),
        (
            "reset applied=1 method=post path=/v4/tags/*",
            Rule(Fault(FaultKind.RESET, applied=True), method="POST", path="/v4/tags/*"),
        ),
    ],
)
def test_a_fault_can_be_ordered_in_one_line(text: str, expected: Rule) -> None:
    assert fault_order(text).rule(Sandbox()) == expected


@pytest.mark.parametrize(
    ("text", "names"), [("hangs", "kind"), ("hang 3", "'3'"), ("hang time=3", "time"), ("", "kind")]
)
def test_an_order_that_cannot_be_understood_says_which_word(text: str, names: str) -> None:
    with pytest.raises(ValueError, match=names):
        fault_order(text)


async def upsert(call: Kit) -> Any:  # noqa: ANN401  # a reply, or what the client raises
    return await call("POST", "/v4/subscribers", {"email_address": "ada@example.com"})


def landed(call: Kit) -> bool:
    return call.sandbox.account(KEY).find("ada@example.com") is not None


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize(
    ("kind", "status", "looks_right"),
    [
        ("status", 502, lambda reply: reply.content_type == "text/html" and "502" in reply.text),
        ("unauthorized", 401, lambda reply: reply.json == {"errors": ["The access token is invalid"]}),
        ("rate_limited", 429, lambda reply: reply.text == "Retry later"),
        ("html", 200, lambda reply: reply.content_type == "text/html"),
        ("empty", 200, lambda reply: reply.text == ""),
        ("login", 302, lambda reply: reply.headers["Location"] == "/login"),
        ("cut_json", 200, lambda reply: reply.text.startswith("{") and not is_json(reply.text)),
    ],
)
async def test_a_wrong_answer_comes_with_the_write_or_without_it(
    kind: str, status: int, looks_right: Callable[[object], bool], *, applied: bool
) -> None:
    async with kit() as call:
        call.sandbox.fail(kind, applied=applied, times=1)
        reply = await upsert(call)

        assert reply.status == status
        assert looks_right(reply)
        assert landed(call) is applied
        assert (await upsert(call)).status == (200 if applied else 201)
        struck = call.sandbox.calls(KEY)[0]
        assert (struck.status, struck.fault is not None) == (status, True)


def is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("applied", [False, True])
async def test_a_reset_closes_the_connection_before_or_after_the_write(
    caplog: pytest.LogCaptureFixture, *, applied: bool
) -> None:
    with caplog.at_level(logging.INFO):
        async with kit() as call:
            call.sandbox.fail("reset", applied=applied, times=1)
            with pytest.raises(aiohttp.ClientConnectionError):
                await upsert(call)

            assert landed(call) is applied
            assert call.sandbox.calls(KEY)[0].status is None
            assert (await upsert(call)).status == (200 if applied else 201)
    assert caplog.records == []


@pytest.mark.parametrize("applied", [False, True])
@pytest.mark.parametrize("kind", ["hang", "hang_in_headers"])
async def test_a_hang_never_answers_and_ends_with_its_caller(kind: str, *, applied: bool) -> None:
    async with kit() as call:
        call.sandbox.fail(kind, applied=applied, times=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await upsert(call)

        assert landed(call) is applied
        (hung,) = call.sandbox.calls(KEY)
        await call.sandbox.until(lambda: hung.ended is not None)
        assert hung.status is None


@pytest.mark.parametrize("kind", ["drip", "slow", "hang_in_headers"])
async def test_a_caller_who_gives_up_is_no_error_here(caplog: pytest.LogCaptureFixture, kind: str) -> None:
    with caplog.at_level(logging.INFO):
        async with kit() as call:
            call.sandbox.fail(kind, delay=0.1, applied=True)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await upsert(call)
            await call.sandbox.until(lambda: call.sandbox.count(KEY) == 1)

    assert caplog.records == []


async def test_a_status_without_a_name_is_sent_all_the_same() -> None:
    async with kit() as call:
        call.sandbox.fail("status", status=599)
        assert (await upsert(call)).status == 599


async def test_a_cut_body_is_a_payload_error_after_the_write_landed() -> None:
    async with kit() as call:
        call.sandbox.fail("cut_body", times=1)
        with pytest.raises(aiohttp.ClientPayloadError):
            await upsert(call)

        assert landed(call)


async def test_a_drip_gives_the_true_answer_byte_by_byte() -> None:
    async with kit() as call:
        call.sandbox.fail("drip", delay=0.0, times=1)
        reply = await upsert(call)

        assert (reply.status, reply.json["subscriber"]["email_address"]) == (201, "ada@example.com")


@pytest.mark.parametrize("applied", [False, True])
async def test_a_slow_answer_is_true_and_its_write_lands_before_or_after_the_wait(*, applied: bool) -> None:
    async with kit() as call:
        call.sandbox.fail("slow", delay=0.3, applied=applied, times=1)
        answer = asyncio.create_task(upsert(call))
        await call.sandbox.until(lambda: any(each.fault for each in call.sandbox.calls()))

        assert landed(call) is applied
        assert (await answer).status == 201
        assert landed(call)


async def test_an_unannounced_close_lets_the_next_request_use_a_new_connection() -> None:
    async with kit() as call:
        call.sandbox.fail("close", delay=0.0, times=1)
        first = await upsert(call)
        assert "Connection" not in first.headers
        await asyncio.sleep(0.05)
        assert (await upsert(call)).status == 200
        ports = [each.client for each in call.sandbox.calls(KEY)]
        assert ports[0] != ports[1]


async def test_a_removed_tag_answers_204_with_nothing_to_cut_and_is_cut_all_the_same() -> None:
    async with kit() as call:
        tag, person = await call.tag(), await call.subscriber()
        path = f"/v4/tags/{tag}/subscribers/{person}"
        call.sandbox.fail("cut_json", applied=True, times=1)
        reply = await call("DELETE", path)

        assert reply.status == 200
        assert reply.text
        assert not is_json(reply.text)


async def test_faults_of_one_account_leave_others_alone_and_all_end_when_cleared() -> None:
    async with kit(Sandbox(keys={KEY: "A", "key-0002": "B"})) as call:
        call.sandbox.fail("status", key=KEY, status=503)
        failing, other = await call("GET", "/v4/account"), await call("GET", "/v4/account", key="key-0002")
        call.sandbox.faults.clear()
        mended = await call("GET", "/v4/account")

    assert (failing.status, other.status, mended.status) == (503, 200, 200)


async def test_latency_holds_every_answer_back() -> None:
    async with kit(Sandbox(latency=0.05)) as call:
        await call("GET", "/v4/account")
        await call("GET", "/v4/account", key=None)
        took = [each.ended - each.arrived for each in call.sandbox.journal.calls if each.ended]

    assert len(took) == 2
    assert min(took) >= 0.049
