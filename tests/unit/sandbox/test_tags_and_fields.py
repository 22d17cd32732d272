"""The endpoints for tags, taggings and custom fields."""

from __future__ import annotations

import pytest

from worker.sandbox import Plan, Sandbox
from worker.sandbox.records import field_key

from .harness import KEY, TOKEN, Kit, kit


async def test_a_tag_is_created_once_whatever_the_case_of_its_name() -> None:
    async with kit() as call:
        first = await call("POST", "/v4/tags", {"name": "Active Member"})
        second = await call("POST", "/v4/tags", {"name": "ACTIVE member"})

    assert (first.status, second.status) == (201, 200)
    assert first.json == second.json
    assert first.json["tag"]["name"] == "Active Member"


@pytest.mark.parametrize("name", ["", "  ", None])
async def test_a_blank_tag_name_is_refused(name: str | None) -> None:
    async with kit() as call:
        tag = await call.tag()
        created = await call("POST", "/v4/tags", {"name": name})
        renamed = await call("PUT", f"/v4/tags/{tag}", {"name": name})

    expected = (422, {"errors": ["Name can't be blank"]})
    assert (created.status, created.json) == expected
    assert (renamed.status, renamed.json) == expected


@pytest.mark.parametrize("bulk", [False, True])
async def test_a_new_custom_field_beyond_the_plans_limit_is_not_allowed(*, bulk: bool) -> None:
    async def create(call: Kit, label: str) -> tuple[int, object]:
        if not bulk:
            single = await call("POST", "/v4/custom_fields", {"label": label}, token=TOKEN)
            return single.status, single.json.get("errors")
        body = {"custom_fields": [{"label": label}]}
        answer = await call("POST", "/v4/bulk/custom_fields", body, token=TOKEN)
        return answer.status, [text for each in answer.json["failures"] for text in each["errors"]]

    async with kit(Sandbox(keys={TOKEN: "A"}, plan=Plan(custom_field_limit=1))) as call:
        answers = [await create(call, label) for label in ("Plan", "PLAN", "Locale")]

    words = ["This request would exceed your custom field limit"]
    assert answers == (
        [(200, []), (200, []), (200, words)] if bulk else [(201, None), (200, None), (403, words)]
    )


async def test_a_renamed_tag_is_found_under_its_new_name_only() -> None:
    async with kit() as call:
        tag = await call.tag("VIP")
        renamed = await call("PUT", f"/v4/tags/{tag}", {"name": "Very important"})
        under_new = await call("POST", "/v4/tags", {"name": "very IMPORTANT"})
        under_old = await call("POST", "/v4/tags", {"name": "VIP"})
        taken = await call("PUT", f"/v4/tags/{tag}", {"name": "vip"})
        missing = await call("PUT", "/v4/tags/999999", {"name": "x"})

    assert (renamed.status, under_new.status, under_old.status) == (200, 200, 201)
    assert under_new.json["tag"]["id"] == tag
    assert (taken.status, missing.status) == (422, 404)


async def test_a_deleted_tag_is_gone_from_the_list_and_from_everybody() -> None:
    async with kit() as call:
        tag, person = await call.tag("VIP"), await call.subscriber()
        await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        other = await call.tag("Other")
        deleted, again = [await call("DELETE", f"/v4/tags/{tag}") for _ in range(2)]
        tags = (await call("GET", "/v4/tags")).json["tags"]
        made_anew = await call.tag("VIP")

        assert (deleted.status, deleted.text) == (204, "")
        assert (again.status, again.json) == (404, {"errors": ["Not Found"]})
        assert [each["id"] for each in tags] == [other]
        assert made_anew != tag
        assert call.sandbox.account(KEY).subscriber("ada@example.com").tags == frozenset()


@pytest.mark.parametrize("by", ["email", "id"])
async def test_tagging_says_whether_the_tag_is_new_and_untagging_works_twice(by: str) -> None:
    async with kit() as call:
        tag, person = await call.tag(), await call.subscriber()
        path = f"/v4/tags/{tag}/subscribers" + (f"/{person}" if by == "id" else "")
        body = {"email_address": "ADA@example.com"} if by == "email" else None
        tagged = [(await call("POST", path, body)).status for _ in range(2)]
        held = call.sandbox.account(KEY).subscriber("ada@example.com").tags
        untagged = [await call("DELETE", path, body) for _ in range(2)]

        assert tagged == [201, 200]
        assert held == {"VIP"}
        assert [(reply.status, reply.text) for reply in untagged] == [(204, ""), (204, "")]
        assert call.sandbox.account(KEY).subscriber("ada@example.com").tags == frozenset()


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_tagging_needs_a_tag_and_a_subscriber_that_exist(method: str) -> None:
    async with kit() as call:
        tag, person = await call.tag(), await call.subscriber()
        stranger = {"email_address": "nobody@example.com"}
        replies = [
            await call(method, f"/v4/tags/{tag}/subscribers", stranger),
            await call(method, f"/v4/tags/{tag}/subscribers/999999"),
            await call(method, f"/v4/tags/{person}/subscribers", {"email_address": "ada@example.com"}),
            await call(method, f"/v4/tags/{person}/subscribers/{person}"),
        ]

    assert [(reply.status, reply.json) for reply in replies] == [(404, {"errors": ["Not Found"]})] * 4


@pytest.mark.parametrize(
    ("method", "purpose"), [("POST", "tag subscriber"), ("DELETE", "remove tag from subscriber")]
)
async def test_a_tagging_by_email_needs_an_email(method: str, purpose: str) -> None:
    async with kit() as call:
        path = f"/v4/tags/{await call.tag()}/subscribers"
        missing = await call(method, path, {})
        no_address = await call(method, path, {"email_address": "ada"})

    assert missing.status == 422
    assert missing.json == {"errors": [f"Either subscriber id or email address is required to {purpose}"]}
    assert (no_address.status, no_address.json) == (422, {"errors": ["Email address is invalid"]})


async def test_a_tag_can_be_removed_with_a_form_as_body() -> None:
    async with kit() as call:
        tag, person = await call.tag(), await call.subscriber()
        await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        url = f"{call.sandbox.url}/v4/tags/{tag}/subscribers"
        form = {"email_address": "ada@example.com"}
        async with call.session.delete(url, data=form, headers={"X-Kit-Api-Key": KEY}) as reply:
            assert reply.status == 204

        assert call.sandbox.account(KEY).subscriber("ada@example.com").tags == frozenset()


async def test_those_who_have_a_tag_are_listed_with_the_time_of_tagging() -> None:
    async with kit() as call:
        tag, person = await call.tag(), await call.subscriber()
        await call.subscriber("grace@example.com")
        await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        people = (await call("GET", f"/v4/tags/{tag}/subscribers")).json["subscribers"]
        tags = (await call("GET", f"/v4/subscribers/{person}/tags")).json["tags"]

    assert [each["email_address"] for each in people] == ["ada@example.com"]
    assert tags == [{"id": tag, "name": "VIP", "tagged_at": people[0]["tagged_at"]}]


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("Last name", "last_name"),
        ("How did you hear about us?", "how_did_you_hear_about_us"),
        ("mk_user_id", "mk_user_id"),
        ("  Größe (cm) ", "groe_cm"),
        ("Café No. 1", "cafe_no_1"),
    ],
)
def test_a_key_is_the_label_in_ascii_lower_case_with_underscores(label: str, key: str) -> None:
    assert field_key(label) == key


async def test_a_custom_field_is_created_once_and_described_in_full() -> None:
    async with kit() as call:
        first = await call("POST", "/v4/custom_fields", {"label": " Last name "})
        second = await call("POST", "/v4/custom_fields", {"label": "last NAME"})
        listed = await call("GET", "/v4/custom_fields")

    made = first.json["custom_field"]
    assert (first.status, second.status) == (201, 200)
    assert second.json["custom_field"] == made
    assert listed.json["custom_fields"] == [made]
    assert {name: made[name] for name in ("key", "label")} == {"key": "last_name", "label": "Last name"}
    assert made["name"] == f"ck_field_{made['id']}_last_name"


@pytest.mark.parametrize(
    ("label", "error"),
    [
        ("", "Label can't be blank"),
        ("日本", "Key can't be blank"),
        ("Last-name", "Key has already been taken"),
    ],
)
async def test_a_label_that_cannot_have_a_key_of_its_own_is_refused(label: str, error: str) -> None:
    async with kit() as call:
        await call.custom_field("Last name")
        other = await call.custom_field("Plan")
        created = await call("POST", "/v4/custom_fields", {"label": label})
        relabelled = await call("PUT", f"/v4/custom_fields/{other}", {"label": label})

    assert (created.status, created.json) == (422, {"errors": [error]})
    assert (relabelled.status, relabelled.json) == (422, {"errors": [error]})


async def test_a_relabelled_field_has_a_new_key_and_keeps_name_and_values() -> None:
    async with kit() as call:
        field = await call.custom_field("Plan")
        await call.subscriber(fields={"plan": "Annual"})
        reply = await call("PUT", f"/v4/custom_fields/{field}", {"label": "Membership"})

        assert reply.json["custom_field"]["key"] == "membership"
        assert reply.json["custom_field"]["name"] == f"ck_field_{field}_plan"
        assert call.sandbox.account(KEY).subscriber("ada@example.com").fields == {"membership": "Annual"}


async def test_a_deleted_field_takes_its_values_with_it() -> None:
    async with kit() as call:
        field = await call.custom_field("Plan")
        person = await call.subscriber(fields={"plan": "Annual"})
        deleted = await call("DELETE", f"/v4/custom_fields/{field}")
        again = await call("DELETE", f"/v4/custom_fields/{field}")
        await call.custom_field("Plan")
        found = await call("GET", f"/v4/subscribers/{person}")

    assert (deleted.status, again.status) == (204, 404)
    assert found.json["subscriber"]["fields"] == {"plan": None}
