"""The subscriber endpoints: look-ups, which are exact, and lists, which may lag."""

from __future__ import annotations

import pytest

from tests.unit.sandbox.harness import KEY, kit
from worker.sandbox import Sandbox


async def test_the_list_shows_active_people_unless_a_status_is_asked_for() -> None:
    async with kit() as call:
        await call.subscriber("active@example.com")
        gone = await call.subscriber("gone@example.com")
        await call("POST", f"/v4/subscribers/{gone}/unsubscribe")

        async def listed(query: str) -> list[str]:
            reply = await call("GET", f"/v4/subscribers{query}")
            return [each["email_address"] for each in reply.json["subscribers"]]

        assert await listed("") == ["active@example.com"]
        assert await listed("?status=cancelled") == ["gone@example.com"]
        assert await listed("?status=all") == ["gone@example.com", "active@example.com"]
        assert await listed("?email_address=gone@example.com") == []
        assert await listed("?email_address=GONE%40example.com&status=all") == ["gone@example.com"]
        assert await listed("?email_address=gone@example.co&status=all") == []
        both = "GONE@example.com,%20active@example.com,nobody@example.com"
        assert await listed(f"?email_address={both}&status=all") == ["gone@example.com", "active@example.com"]


@pytest.mark.parametrize(
    "query",
    [
        "status=asleep",
        "email_address=ada",
        "email_address=ada@example.com,",
        "per_page=x",
        "after=%21",
        "sort_field=first_name",
    ],
)
async def test_a_senseless_filter_is_refused(query: str) -> None:
    async with kit() as call:
        reply = await call("GET", f"/v4/subscribers?{query}")

    assert reply.status == 422


async def test_a_look_up_by_id_is_exact_while_lists_lag() -> None:
    now = 1_800_000_000.0
    async with kit(Sandbox(list_lag=30.0, wall=lambda: now)) as call:
        tag, person = await call.tag(), await call.subscriber()
        await call.custom_field("Plan")
        tagged = await call("POST", f"/v4/tags/{tag}/subscribers", {"email_address": "ada@example.com"})

        async def lengths() -> list[int]:
            lists = {
                "/v4/subscribers?email_address=ada@example.com": "subscribers",
                f"/v4/tags/{tag}/subscribers": "subscribers",
                f"/v4/subscribers/{person}/tags": "tags",
                "/v4/tags": "tags",
                "/v4/custom_fields": "custom_fields",
            }
            return [len((await call("GET", path)).json[name]) for path, name in lists.items()]

        found = await call("GET", f"/v4/subscribers/{person}")
        assert (tagged.status, found.status) == (201, 200)
        now += 29.9
        assert await lengths() == [0, 0, 0, 0, 0]
        now += 0.1
        assert await lengths() == [1, 1, 1, 1, 1]


async def test_lists_lag_behind_what_was_renamed_changed_and_deleted() -> None:
    """Given a tag and a field of other names, and people changed and deleted, a list shows all as it was."""
    now = 1_800_000_000.0
    async with kit(Sandbox(list_lag=30.0, wall=lambda: now)) as call:
        vip, old, plan = await call.tag("VIP"), await call.tag("Old"), await call.custom_field("Plan")
        ada = await call.subscriber(fields={"plan": "Annual"})
        await call.subscriber("ben@example.com")
        for tag in (vip, old):
            await call("POST", f"/v4/tags/{tag}/subscribers/{ada}")
        now += 30.0
        path = "/v4/subscribers?status=all&include=tags&sort_order=asc"
        before = (await call("GET", path)).json["subscribers"]
        tags_before = (await call("GET", f"/v4/subscribers/{ada}/tags")).json
        await call("PUT", f"/v4/tags/{vip}", {"name": "Member"})
        await call("DELETE", f"/v4/tags/{old}")
        await call("PUT", f"/v4/custom_fields/{plan}", {"label": "Level"})
        await call("PUT", f"/v4/subscribers/{ada}", {"email_address": "ada@new.example.com"})
        call.sandbox.account(KEY).delete_subscriber("ben@example.com")
        now += 29.9
        meanwhile = (await call("GET", path)).json["subscribers"]
        tags_meanwhile = (await call("GET", f"/v4/subscribers/{ada}/tags")).json
        found = (await call("GET", f"/v4/subscribers/{ada}")).json["subscriber"]
        now += 0.1
        (after,) = (await call("GET", path)).json["subscribers"]

    assert [each["name"] for each in before[0]["tags"]] == ["Old", "VIP"]
    assert (meanwhile, tags_meanwhile) == (before, tags_before)
    assert (found["email_address"], found["fields"]) == ("ada@new.example.com", {"level": "Annual"})
    assert after == {**found, "tags": [{"id": vip, "name": "Member"}]}
