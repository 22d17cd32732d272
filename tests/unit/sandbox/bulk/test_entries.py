"""Bulk calls: each entry is done or comes back in `failures`, in whatever order."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.unit.sandbox.bulk_calls import (
    LISTS,
    SUBSCRIBERS,
    TAGGINGS,
    VALUES,
    bulk,
    people,
    tagged_pair,
    upserted,
)
from tests.unit.sandbox.harness import TOKEN, kit
from worker.sandbox import Plan, Sandbox


@pytest.mark.parametrize(("method", "path"), LISTS)
@pytest.mark.parametrize("items", [[], None, "x", {}])
async def test_a_request_without_entries_is_refused(method: str, path: str, items: object) -> None:
    async with kit() as call:
        name = LISTS[method, path]
        reply = await call(method, path, {name: items}, token=TOKEN)

    assert reply.status == 422
    assert reply.json == {"errors": [f"No {name.replace('_', ' ')} included for processing"]}


@pytest.mark.parametrize(("method", "path"), LISTS)
async def test_an_api_key_may_not_and_an_entry_must_be_an_object(method: str, path: str) -> None:
    async with kit() as call:
        body = {LISTS[method, path]: ["x"]}
        with_key, with_token = await call(method, path, body), await call(method, path, body, token=TOKEN)

    assert (with_key.status, with_token.status) == (401, 422)


async def test_subscribers_are_created_and_updated_in_the_order_sent() -> None:
    async with kit() as call:
        first = await upserted(call, "cy@example.com", "Ada@example.com")
        view = call.sandbox.account(TOKEN)
        ada, cy = view.subscriber("ada@example.com"), view.subscriber("cy@example.com")
        second = await upserted(call, "ada@EXAMPLE.com", "bea@example.com", state="inactive")

        assert first.status == second.status == 200
        assert [each["id"] for each in first.json["subscribers"]] == [cy.id, ada.id]
        assert [each["email_address"] for each in second.json["subscribers"]] == [
            "Ada@example.com",
            "bea@example.com",
        ]
        assert (first.json["failures"], second.json["failures"]) == ([], [])
        assert view.subscriber("ada@example.com").state == "active"
        assert view.subscriber("bea@example.com").state == "inactive"


async def test_a_first_name_overwrites_and_custom_fields_are_ignored() -> None:
    async with kit() as call:
        view = call.sandbox.account(TOKEN)
        view.add_subscriber("ada@example.com", first_name="Ada", fields={"plan": "Annual"})
        await bulk(
            call,
            SUBSCRIBERS,
            {"email_address": "ada@example.com", "first_name": "", "fields": {"plan": "Monthly"}},
        )
        emptied = view.subscriber("ada@example.com")
        await bulk(call, SUBSCRIBERS, {"email_address": "ada@example.com"})

        assert (emptied.first_name, emptied.fields) == ("", {"plan": "Annual"})
        assert view.subscriber("ada@example.com") == emptied


async def test_an_invalid_entry_fails_by_itself_and_its_address_is_not_said_unless_wanted() -> None:
    async with kit() as call:
        reply = await upserted(call, "ada", "bea@example.com")
        stateless = await upserted(call, "cy@example.com", state="asleep")
        call.sandbox.bulk.echo_invalid = True
        echoed = await upserted(call, "ada")

        assert [each["email_address"] for each in reply.json["subscribers"]] == ["bea@example.com"]
        assert reply.json["failures"] == [
            {
                "subscriber": {
                    "first_name": "A",
                    "email_address": None,
                    "state": "active",
                    "created_at": None,
                },
                "errors": ["Email address is invalid"],
            }
        ]
        assert echoed.json["failures"][0]["subscriber"]["email_address"] == "ada"
        assert stateless.json["failures"][0]["subscriber"]["email_address"] == "cy@example.com"
        assert call.sandbox.account(TOKEN).subscribers().keys() == {"bea@example.com"}


@pytest.mark.parametrize(
    "blank", [{"email_address": ""}, {"email_address": " "}, {"email_address": None}, {}]
)
async def test_one_blank_address_fails_all(blank: Mapping[str, object]) -> None:
    async with kit() as call:
        reply = await bulk(call, SUBSCRIBERS, *people("ada@example.com"), blank)

        assert (reply.status, reply.json) == (422, {"errors": ["Email address can't be blank"]})
        assert call.sandbox.account(TOKEN).subscribers() == {}


async def test_beyond_the_subscriber_limit_nobody_is_created_and_those_who_exist_are_no_matter() -> None:
    async with kit(Sandbox(plan=Plan(subscriber_limit=2))) as call:
        await upserted(call, "ada@example.com")
        beyond = await upserted(call, "bea@example.com", "cy@example.com")
        within = await upserted(call, "bea@example.com", "BEA@example.com", "ada@example.com", "invalid")

        view = call.sandbox.account(TOKEN)
        view.account.plan = Plan(subscriber_limit=1)
        without_anybody_new = await upserted(call, "ada@example.com")

        assert without_anybody_new.status == 200
        assert (beyond.status, beyond.json) == (
            403,
            {"errors": ["This request would exceed your subscriber limit"]},
        )
        assert within.status == 200
        assert call.sandbox.account(TOKEN).subscribers().keys() == {"ada@example.com", "bea@example.com"}


async def test_tagging_needs_both_and_says_null_for_what_is_not_there() -> None:
    async with kit() as call:
        tag, person = await tagged_pair(call)
        pairs = [(tag, person), (tag, 1), (1, person), (1, 1), ("x", None)]
        items = [{"tag_id": tag_id, "subscriber_id": subscriber_id} for tag_id, subscriber_id in pairs]
        reply = await bulk(call, TAGGINGS, *items)

        assert call.sandbox.account(TOKEN).subscriber("ada@example.com").tags == {"VIP"}
    (done,) = reply.json["subscribers"]
    assert done.keys() == {"id", "first_name", "email_address", "created_at", "tagged_at"}
    no_one, no_tag = "Subscriber does not exist", "Tag does not exist"
    assert reply.json["failures"] == [
        {"tagging": {"tag_id": tag, "subscriber_id": None}, "errors": [no_one]},
        {"tagging": {"tag_id": None, "subscriber_id": person}, "errors": [no_tag]},
        {"tagging": {"tag_id": None, "subscriber_id": None}, "errors": [no_one, no_tag]},
        {"tagging": {"tag_id": None, "subscriber_id": None}, "errors": [no_one, no_tag]},
    ]


async def test_untagging_works_twice_and_answers_failures_only() -> None:
    async with kit() as call:
        tag, person = await tagged_pair(call)
        item = {"tag_id": tag, "subscriber_id": person}
        await bulk(call, TAGGINGS, item)
        replies = [await bulk(call, TAGGINGS, item, method="DELETE") for _ in range(2)]
        missing = await bulk(call, TAGGINGS, {**item, "tag_id": 1}, method="DELETE")

        assert [(reply.status, reply.json) for reply in replies] == [(200, {"failures": []})] * 2
        assert missing.json["failures"][0]["tagging"] == {"tag_id": None, "subscriber_id": person}
        assert call.sandbox.account(TOKEN).subscriber("ada@example.com").tags == frozenset()


async def test_values_are_set_and_a_field_that_is_not_there_keeps_its_id() -> None:
    async with kit() as call:
        view = call.sandbox.account(TOKEN)
        person, field = view.add_subscriber("ada@example.com"), view.add_custom_field("Plan")
        good = {"subscriber_id": person, "subscriber_custom_field_id": field, "value": "Annual"}
        no_one, no_field = {**good, "subscriber_id": 1}, {**good, "subscriber_custom_field_id": 1}
        reply = await bulk(call, VALUES, good, no_one, no_field, {**good, "value": None})

        assert view.subscriber("ada@example.com").fields == {"plan": "Annual"}
    assert reply.json["custom_field_values"] == [good]
    assert reply.json["failures"] == [
        {"custom_field_value": {**no_one, "subscriber_id": None}, "errors": ["Subscriber does not exist"]},
        {"custom_field_value": no_field, "errors": ["Custom field does not exist"]},
        {"custom_field_value": {**good, "value": None}, "errors": ["Value is invalid"]},
    ]


@pytest.mark.parametrize(("path", "text"), [("/v4/bulk/tags", "name"), ("/v4/bulk/custom_fields", "label")])
async def test_tags_and_fields_exist_or_are_created_and_come_in_the_opposite_order(
    path: str, text: str
) -> None:
    async with kit() as call:
        first = await bulk(call, path, {text: "One"}, {text: ""}, {text: "Two"})
        again = await bulk(call, path, {text: "one"}, {text: "Three"})

    name = LISTS["POST", path]
    assert [each[text] for each in first.json[name]] == ["Two", "One"]
    assert [each[text] for each in again.json[name]] == ["Three", "One"]
    assert again.json[name][1] == first.json[name][1]
    (failure,) = first.json["failures"]
    assert failure["errors"] == [f"{text.capitalize()} can't be blank"]


async def test_tags_are_deleted_together_and_one_that_is_not_there_is_told() -> None:
    async with kit() as call:
        tag, _ = await tagged_pair(call)
        view = call.sandbox.account(TOKEN)
        other = view.add_tag("Other")
        reply = await bulk(call, "/v4/bulk/tags", {"id": tag}, {"id": 1}, {"id": other}, method="DELETE")

        nothing = {"id": None, "name": None, "created_at": None}
        failure = {"tag": nothing, "errors": ["Tag does not exist"]}
        assert (reply.status, reply.json) == (200, {"failures": [failure]})
        assert view.tags() == {}
        assert view.subscriber("ada@example.com").tags == frozenset()
