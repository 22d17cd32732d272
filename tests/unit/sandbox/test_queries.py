"""What a query may ask for, and that nothing else is ignored."""

from __future__ import annotations

import pytest

from worker.sandbox import Sandbox
from worker.sandbox.endpoints import ROUTES
from worker.sandbox.queries import OFFERED

from .harness import KEY, TOKEN, kit

AT = "2027-01-15T08:00:00Z"
UNKNOWN = "This sandbox does not support the parameter"


def sandbox() -> Sandbox:
    return Sandbox(wall=lambda: 1_800_000_000.0)


async def test_a_slim_list_of_people_has_no_fields() -> None:
    async with kit(sandbox()) as call:
        await call.custom_field("Plan")
        person, tag = await call.subscriber(fields={"plan": "Annual"}), await call.tag()
        await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        slim = [await call("GET", f"/v4/subscribers?slim={said}") for said in ("true", "1")]
        full = [await call("GET", f"/v4/subscribers?slim={said}") for said in ("false", "0")]
        tagged = await call("GET", f"/v4/tags/{tag}/subscribers?slim=true")

    plain = {"id": person, "first_name": None, "email_address": "ada@example.com", "state": "active"}
    assert [each.json["subscribers"] for each in slim] == [[{**plain, "created_at": AT}]] * 2
    assert [each.json["subscribers"][0]["fields"] for each in full] == [{"plan": "Annual"}] * 2
    assert tagged.json["subscribers"] == [{**plain, "created_at": AT, "tagged_at": AT}]


async def test_people_are_listed_with_their_tags_where_these_are_asked_for() -> None:
    async with kit(sandbox()) as call:
        vip, new = await call.tag("VIP"), await call.tag("New")
        person = await call.subscriber()
        await call.subscriber("grace@example.com")
        for tag in (vip, new):
            await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        query = "status=all&include=tags&per_page=1000&sort_field=id&sort_order=asc"
        listed = (await call("GET", f"/v4/subscribers?{query}")).json["subscribers"]
        slim = (await call("GET", f"/v4/subscribers?{query}&slim=true")).json["subscribers"]
        without = (await call("GET", "/v4/subscribers")).json["subscribers"]

    assert listed[0] == {
        "id": person,
        "first_name": None,
        "email_address": "ada@example.com",
        "state": "active",
        "created_at": AT,
        "fields": {},
        "tags": [{"id": new, "name": "New"}, {"id": vip, "name": "VIP"}],
    }
    assert listed[1]["tags"] == []
    assert slim == [{name: value for name, value in row.items() if name != "fields"} for row in listed]
    assert all("tags" not in row for row in without)


async def test_tags_are_listed_with_how_many_people_have_each_where_that_is_asked_for() -> None:
    async with kit(sandbox()) as call:
        view = call.sandbox.account(KEY)
        for name, state in (("ada", "active"), ("ben", "active"), ("cy", "cancelled")):
            view.add_subscriber(f"{name}@example.com", state=state, tags=["VIP"])
        empty = await call.tag("New")
        counted = (await call("GET", "/v4/tags?include=subscriber_count")).json["tags"]
        plain = (await call("GET", "/v4/tags")).json["tags"]

    assert counted[0] == {"id": empty, "name": "New", "created_at": AT, "subscriber_count": 0}
    assert counted[1]["subscriber_count"] == 2
    assert [set(each) for each in plain] == [{"id", "name", "created_at"}] * 2


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/v4/subscribers?include=tags,stats", "This sandbox does not support include=stats: it has tags"),
        ("/v4/tags?include=tags", "This sandbox does not support include=tags: it has subscriber_count"),
        ("/v4/subscribers?slim=yes", "slim is invalid: say true or false"),
        ("/v4/tags?include_total_count=yes", "include_total_count is invalid: say true or false"),
        (
            "/v4/tags?slim=true",
            f"{UNKNOWN} slim of GET /v4/tags: it has after, before, include, include_total_count, per_page",
        ),
        ("/v4/account?name=x", f"{UNKNOWN} name of GET /v4/account"),
    ],
)
async def test_what_is_not_offered_is_refused_in_words(path: str, error: str) -> None:
    async with kit() as call:
        reply = await call("GET", path)

    assert (reply.status, reply.json) == (422, {"errors": [error]})


async def test_an_older_kit_ignores_what_it_does_not_know() -> None:
    """Given a Kit from before a list could have tags, people are listed, and without them."""
    older = sandbox()
    older.unknown_parameters = ["include"]
    async with kit(older) as call:
        await call.subscriber()
        await call.tag()
        people = await call("GET", "/v4/subscribers?status=all&include=tags&slim=true")
        tags = await call("GET", "/v4/tags?include=subscriber_count")
        other = await call("GET", "/v4/subscribers?includes=tags")

    assert (people.status, set(people.json["subscribers"][0])) == (
        200,
        {"id", "first_name", "email_address", "state", "created_at"},
    )
    assert "subscriber_count" not in tags.json["tags"][0]
    assert other.status == 422


async def test_a_parameter_of_any_other_call_is_refused_before_anything_is_done() -> None:
    async with kit() as call:
        reply = await call("POST", "/v4/bulk/tags?callback_url=x", {"tags": [{"name": "VIP"}]}, token=TOKEN)

        assert reply.status == 422
        assert call.sandbox.account(TOKEN).tags() == {}


def test_parameters_are_told_of_endpoints_that_there_are() -> None:
    assert OFFERED.keys() <= ROUTES.keys()
