"""Faults of entries: valid entries of bulk calls that come back in `failures`."""

from __future__ import annotations

import pytest

from worker.sandbox import Entry, Sandbox

from .bulk_calls import TAGGINGS, bulk, tagged_pair, upserted
from .harness import TOKEN, kit


async def test_chosen_entries_fail_once_by_address_whatever_the_call() -> None:
    async with kit() as call:
        tag, person = await tagged_pair(call)
        call.sandbox.fail("entries", email="ADA@*", times=1, error="Not today")
        item = {"tag_id": tag, "subscriber_id": person}
        replies = [await bulk(call, TAGGINGS, item) for _ in range(2)]
        noted = call.sandbox.calls(TOKEN)

    assert replies[0].json == {"subscribers": [], "failures": [{"tagging": item, "errors": ["Not today"]}]}
    assert replies[1].json["failures"] == []
    assert [each.fault for each in noted] == ["entries", None]


async def test_an_entry_can_fail_though_it_was_done() -> None:
    async with kit() as call:
        call.sandbox.fail("entries", applied=True, email="ada@example.com")
        reply = await upserted(call, "ada@example.com", "bea@example.com")

        assert [each["subscriber"]["email_address"] for each in reply.json["failures"]] == ["ada@example.com"]
        assert call.sandbox.account(TOKEN).find("ada@example.com") is not None


async def test_entries_fail_by_chance_that_repeats_with_its_seed() -> None:
    emails = [f"p{number}@example.com" for number in range(64)]

    async def run(seed: int) -> list[str]:
        async with kit(Sandbox(seed=seed)) as call:
            call.sandbox.fail("entries", probability=0.5)
            reply = await upserted(call, *emails)
            return [each["subscriber"]["email_address"] for each in reply.json["failures"]]

    one, same, other = await run(7), await run(7), await run(8)

    assert one == same != other
    assert 10 < len(one) < 54


async def test_entries_are_struck_also_when_they_are_done_later() -> None:
    now = 0.0
    emails = [f"p{number}@example.com" for number in range(101)]
    async with kit(Sandbox(wall=lambda: now)) as call:
        call.sandbox.fail("entries", email=emails[7], times=1)
        await upserted(call, *emails)
        now = 5.0

        assert call.sandbox.account(TOKEN).subscribers().keys() == {*emails} - {emails[7]}


async def test_faults_of_entries_strike_no_whole_request_and_those_of_requests_no_entry() -> None:
    async with kit() as call:
        call.sandbox.fail("entries")
        call.sandbox.fail("slow", delay=0.0)
        single = await call("POST", "/v4/subscribers", {"email_address": "ada@example.com"}, token=TOKEN)
        tags = await bulk(call, "/v4/bulk/tags", {"name": "VIP"})

    assert single.status == 201
    assert (tags.json["tags"], len(tags.json["failures"])) == ([], 1)


def test_only_faults_of_entries_choose_among_entries() -> None:
    with pytest.raises(ValueError, match="hang strikes whole requests"):
        Sandbox().fail("hang", email="ada@example.com")


async def test_a_predicate_sees_what_was_sent_and_whom_it_is_about() -> None:
    seen: list[Entry] = []

    def look(entry: Entry) -> bool:
        seen.append(entry)
        return entry.item.get("first_name") == "A"

    async with kit() as call:
        rule = call.sandbox.fail("entries", entry=look)
        await upserted(call, "ada@example.com", "bea@example.com")
        tag, person = await tagged_pair(call)
        item = {"tag_id": tag, "subscriber_id": person}
        await bulk(call, TAGGINGS, item)

        assert call.sandbox.account(TOKEN).subscriber("ada@example.com").id == person
    assert [entry.email for entry in seen] == ["ada@example.com", "bea@example.com", "ada@example.com"]
    assert seen[2].item == item
    assert (rule.matched, rule.struck) == (1, 1)


async def test_entries_can_be_told_to_fail_over_control() -> None:
    order = {"kind": "entries", "email": "ada@*", "times": 1, "error": "Not today"}
    async with kit() as call:
        await call("POST", "/_sandbox/faults", order)
        replies = [await upserted(call, "Ada@Example.com") for _ in range(2)]
        (rule,) = (await call("GET", "/_sandbox/faults")).json["faults"]
        wrong = await call("POST", "/_sandbox/faults", {**order, "kind": "hang"})

    assert [len(reply.json["failures"]) for reply in replies] == [1, 0]
    assert replies[0].json["failures"][0]["errors"] == ["Not today"]
    assert (rule["fault"], rule["email"], rule["struck"]) == ("entries", "ada@*", 1)
    assert wrong.status == 400
