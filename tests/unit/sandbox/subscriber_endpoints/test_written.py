"""The subscriber endpoints: upsert and update, and what they refuse."""

from __future__ import annotations

import pytest

from tests.unit.sandbox.harness import KEY, TOKEN, kit
from worker.sandbox import Plan, Sandbox


async def test_the_first_upsert_creates_and_the_second_finds_whatever_the_case_of_the_address() -> None:
    async with kit() as call:
        first = await call("POST", "/v4/subscribers", {"email_address": "Ada@Example.com"})
        second = await call("POST", "/v4/subscribers", {"email_address": "ada@example.COM"})

    assert (first.status, second.status) == (201, 200)
    assert first.json["subscriber"]["id"] == second.json["subscriber"]["id"]
    assert first.json["subscriber"]["state"] == "active"


@pytest.mark.parametrize(
    ("given", "expected"),
    [({"first_name": "Grace"}, "Grace"), ({"first_name": ""}, ""), ({}, "Ada")],
)
async def test_an_upsert_overwrites_the_first_name_whenever_it_is_given(
    given: dict[str, str], expected: str
) -> None:
    async with kit() as call:
        await call.subscriber(first_name="Ada")
        reply = await call("POST", "/v4/subscribers", {"email_address": "ada@example.com", **given})

    assert reply.json["subscriber"]["first_name"] == expected


async def test_a_state_counts_only_at_creation_so_that_an_unsubscribed_person_stays_so() -> None:
    async with kit() as call:
        person = await call.subscriber(state="inactive")
        born = (await call("GET", f"/v4/subscribers/{person}")).json["subscriber"]["state"]
        unsubscribed = await call("POST", f"/v4/subscribers/{person}/unsubscribe")
        again = await call("POST", f"/v4/subscribers/{person}/unsubscribe")
        await call.subscriber(state="active")

        assert born == "inactive"
        assert (unsubscribed.status, again.status) == (204, 204)
        assert call.sandbox.account(KEY).subscriber("ada@example.com").state == "cancelled"


async def test_an_upsert_sets_known_fields_clears_those_given_as_null_and_names_the_ones_it_ignored() -> None:
    async with kit() as call:
        await call.custom_field("Plan")
        await call.custom_field("Status")
        await call.subscriber(fields={"plan": "Annual", "status": "active"})
        reply = await call(
            "POST",
            "/v4/subscribers",
            {"email_address": "ada@example.com", "fields": {"plan": None, "plann": "x", "Status": "y"}},
        )

        assert reply.json["subscriber"]["fields"] == {"plan": None, "status": "active"}
        assert len(reply.json["warnings"]) == 2
        assert "plann" in reply.json["warnings"][0]
        assert "Status" in reply.json["warnings"][1]
        assert call.sandbox.account(KEY).subscriber("ada@example.com").fields == {"status": "active"}


async def test_an_answer_without_anything_ignored_has_no_warnings() -> None:
    async with kit() as call:
        reply = await call("POST", "/v4/subscribers", {"email_address": "ada@example.com", "fields": {}})

    assert "warnings" not in reply.json


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"email_address": "ada"}, "Email address is invalid"),
        ({"email_address": "ada@example"}, "Email address is invalid"),
        ({"email_address": None}, "Email address is invalid"),
        ({}, "Email address is invalid"),
        ({"email_address": "ada@example.com", "state": "asleep"}, "State is invalid"),
        ({"email_address": "ada@example.com", "fields": [1]}, "Fields is invalid"),
        (
            {"email_address": "ada@example.com", "fields": {f"f{number}": "1" for number in range(141)}},
            "Fields can have at most 140 entries",
        ),
    ],
)
async def test_bad_data_is_refused_with_one_error(body: dict[str, object], error: str) -> None:
    async with kit() as call:
        reply = await call("POST", "/v4/subscribers", body)

    assert (reply.status, reply.json) == (422, {"errors": [error]})


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_more_than_ten_values_are_set_later(method: str) -> None:
    """Ten are set at once; with eleven the answer is 202 and shows none of them yet."""
    now = 1_800_000_000.0
    sandbox = Sandbox(wall=lambda: now)
    async with kit(sandbox) as call:
        for number in range(11):
            await call.custom_field(f"f{number}")
        person = await call.subscriber()
        path = "/v4/subscribers" if method == "POST" else f"/v4/subscribers/{person}"
        values = {f"f{number}": "set" for number in range(11)}
        ten = dict.fromkeys(list(values)[:10], "ten")
        at_once = await call(method, path, {"email_address": "ada@example.com", "fields": ten})
        later = await call(method, path, {"email_address": "ada@example.com", "fields": values})
        now += 1.0
        assert sandbox.account(KEY).subscriber("ada@example.com").fields == values
        settled = await call("GET", f"/v4/subscribers/{person}")

    assert (at_once.status, later.status) == (200, 202)
    assert at_once.json["subscriber"]["fields"] == {**ten, "f10": None}
    assert later.json["subscriber"]["fields"] == {**ten, "f10": None}
    assert settled.json["subscriber"]["fields"] == values


async def test_an_update_changes_the_address_and_keeps_the_tags() -> None:
    async with kit() as call:
        tag, person = await call.tag(), await call.subscriber()
        await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        reply = await call("PUT", f"/v4/subscribers/{person}", {"email_address": "lovelace@example.com"})

        view = call.sandbox.account(KEY)
        assert reply.status == 200
        assert view.subscriber("lovelace@example.com").tags == {"VIP"}
        assert view.find("ada@example.com") is None


@pytest.mark.parametrize(("body", "name"), [({"first_name": "Augusta"}, "Augusta"), ({}, "Ada"), ([], "Ada")])
async def test_an_update_needs_no_address(body: object, name: str) -> None:
    """Given what Kit's own libraries send: only what changes, and `[]` where nothing does."""
    async with kit(Sandbox(wall=lambda: 1_800_000_000.0)) as call:
        person = await call.subscriber(first_name="Ada")
        reply = await call("PUT", f"/v4/subscribers/{person}", body)

    assert (reply.status, reply.json["subscriber"]) == (
        200,
        {
            "id": person,
            "first_name": name,
            "email_address": "ada@example.com",
            "state": "active",
            "created_at": "2027-01-15T08:00:00Z",
            "fields": {},
        },
    )


async def test_an_update_refuses_an_unknown_field_and_a_taken_address_and_then_changes_nothing() -> None:
    async with kit() as call:
        person = await call.subscriber(first_name="Ada")
        await call.subscriber("grace@example.com")
        path = f"/v4/subscribers/{person}"
        change = {"email_address": "ada@example.com", "first_name": "X", "fields": {"nope": "1"}}
        unknown = await call("PUT", path, change)
        taken = await call("PUT", path, {"email_address": "GRACE@example.com", "first_name": "X"})
        missing = await call("PUT", "/v4/subscribers/999999", {"email_address": "x@example.com"})

        assert (unknown.status, taken.status, missing.status) == (422, 422, 404)
        assert taken.json == {"errors": ["Email address has already been taken"]}
        assert call.sandbox.account(KEY).subscriber("ada@example.com").first_name == "Ada"


async def test_a_new_subscriber_beyond_the_plans_limit_is_not_allowed() -> None:
    async with kit(Sandbox(plan=Plan(subscriber_limit=1))) as call:
        await call.subscriber("one@example.com")
        known = await call("POST", "/v4/subscribers", {"email_address": "one@example.com"})
        new = await call("POST", "/v4/subscribers", {"email_address": "two@example.com"})

    assert known.status == 200
    assert (new.status, new.json) == (403, {"errors": ["This request would exceed your subscriber limit"]})


async def test_a_text_that_is_refused_is_refused_by_single_and_bulk_calls() -> None:
    async with kit(Sandbox(keys={TOKEN: "A"})) as call:
        view = call.sandbox.account(TOKEN)
        person, plan = view.add_subscriber("ada@example.com"), view.add_custom_field("Plan")
        view.account.unwanted.texts = frozenset({"Bad"})

        async def send(method: str, path: str, body: object) -> tuple[int, object]:
            answer = await call(method, path, body, token=TOKEN)
            return answer.status, answer.json.get("errors") or answer.json.get("failures")

        path, email = f"/v4/subscribers/{person}", "ada@example.com"
        value = {"subscriber_id": person, "subscriber_custom_field_id": plan, "value": "Bad"}
        answers = [
            await send("POST", "/v4/tags", {"name": "Bad"}),
            await send("POST", "/v4/custom_fields", {"label": "Bad"}),
            await send("POST", "/v4/subscribers", {"email_address": email, "first_name": "Bad"}),
            await send("PUT", path, {"fields": {"plan": "Bad"}}),
            await send("POST", "/v4/bulk/custom_fields/subscribers", {"custom_field_values": [value]}),
        ]
        view.account.unwanted.named = True
        answers.append(await send("PUT", path, {"fields": {"plan": "Bad"}}))

    assert answers == [
        (422, ["Name is invalid"]),
        (422, ["Label is invalid"]),
        (422, ["First name is invalid"]),
        (422, ["A value is invalid"]),
        (200, [{"custom_field_value": value, "errors": ["Value is invalid"]}]),
        (422, ["Custom field plan is invalid"]),
    ]


async def test_a_body_that_is_not_a_json_object_is_a_client_error() -> None:
    async with kit() as call:
        headers = {"X-Kit-Api-Key": KEY, "Content-Type": "application/json"}
        url = call.sandbox.url + "/v4/subscribers"
        async with call.session.post(url, data=b"{", headers=headers) as broken:
            assert broken.status == 400
        assert (await call("POST", "/v4/subscribers", ["a@example.com"])).status == 400
