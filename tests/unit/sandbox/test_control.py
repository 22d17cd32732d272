"""Control over HTTP, the page, and the view that tests have of an account."""

from __future__ import annotations

import pytest

from worker.sandbox import Sandbox

from .harness import KEY, kit

SEED = {
    "account": KEY,
    "tags": ["Old"],
    "custom_fields": ["Plan"],
    "subscribers": [
        {
            "email_address": "ada@example.com",
            "first_name": "Ada",
            "tags": ["VIP"],
            "fields": {"plan": "Annual"},
        }
    ],
}


async def test_a_seeded_account_is_shown_in_the_state_and_seen_by_the_api() -> None:
    async with kit() as call:
        await call("POST", "/_sandbox/seed", SEED)
        (account,) = (await call("GET", "/_sandbox/state")).json["accounts"]
        listed = (await call("GET", "/v4/subscribers")).json["subscribers"]

    assert account["credential"] == "…0001"
    assert [tag["name"] for tag in account["tags"]] == ["Old", "VIP"]
    assert [each["key"] for each in account["custom_fields"]] == ["plan"]
    (person,) = account["subscribers"]
    assert (person["first_name"], person["tags"], person["fields"]) == ("Ada", ["VIP"], {"plan": "Annual"})
    assert [each["id"] for each in listed] == [person["id"]]


async def test_creators_can_delete_what_the_worker_relies_on() -> None:
    async with kit() as call:
        await call("POST", "/_sandbox/seed", SEED)
        view = call.sandbox.account(KEY)
        person = view.subscriber("ada@example.com").id
        tag = view.tags()["VIP"]
        await call("POST", "/_sandbox/delete", {"tag": "vip", "custom_field": "plan"})
        tagging = await call("POST", f"/v4/tags/{tag}/subscribers/{person}")
        left = view.subscriber("ada@example.com")
        await call("POST", "/_sandbox/delete", {"account": KEY, "subscriber": "ADA@example.com"})
        gone = await call("GET", f"/v4/subscribers/{person}")
        back = await call("POST", "/v4/subscribers", {"email_address": "ada@example.com"})
        new_tag = await call("POST", "/v4/tags", {"name": "VIP"})

    assert (left.tags, left.fields) == (frozenset(), {})
    assert (tagging.status, gone.status, back.status, new_tag.status) == (404, 404, 201, 201)
    assert back.json["subscriber"]["id"] != person
    assert new_tag.json["tag"]["id"] != tag


async def test_faults_are_added_listed_and_cleared() -> None:
    async with kit() as call:
        await call("POST", "/_sandbox/faults", {"kind": "status", "status": 500, "path": "/v4/acc*"})
        await call("POST", "/_sandbox/faults", [{"kind": "html", "times": 1}, {"kind": "empty", "times": 1}])
        statuses = [(await call("GET", path)).status for path in ("/v4/account", "/v4/tags")]
        rules = (await call("GET", "/_sandbox/faults")).json["faults"]
        await call("DELETE", "/_sandbox/faults")
        mended = await call("GET", "/v4/account")

    assert statuses == [500, 200]
    assert [(rule["fault"], rule["struck"]) for rule in rules] == [
        ("status 500", 1),
        ("html", 1),
        ("empty", 0),
    ]
    assert mended.json["account"]


async def test_limits_and_settings_change_what_is_given_and_keep_the_rest() -> None:
    async with kit() as call:
        await call("POST", "/_sandbox/limits", {"api_key": 1})
        statuses = [(await call("GET", "/v4/account")).status for _ in range(2)]
        await call("POST", "/_sandbox/limits", {"api_key": None})
        free = await call("GET", "/v4/account")
        reply = await call(
            "POST",
            "/_sandbox/settings",
            {"list_lag": 300, "latency": 0.01, "bulk_shuffled": True, "unknown_parameters": ["include"]},
        )
        tag = await call("POST", "/v4/tags", {"name": "VIP"})
        listed = await call("GET", "/v4/tags")

    assert statuses == [200, 429]
    assert free.status == 200
    assert reply.json["settings"] == {
        "latency": 0.01,
        "list_lag": 300,
        "bulk_delay": 5.0,
        "bulk_shuffled": True,
        "bulk_echo_invalid": False,
        "token_life": 172_800.0,
        "refresh_ends_access": False,
        "unknown_parameters": ["include"],
        "limits": {"api_key": None, "oauth": 600},
        "window": 60,
    }
    assert tag.status == 201
    assert listed.json["tags"] == []


async def test_lists_are_exact_again_once_the_lag_is_taken_back() -> None:
    sandbox = Sandbox(list_lag=300)
    view = sandbox.account(KEY)
    view.add_tag("VIP")
    async with kit(sandbox) as call:
        before = (await call("GET", "/v4/tags")).json["tags"]
        sandbox.list_lag = 0
        after = (await call("GET", "/v4/tags")).json["tags"]

    assert (len(before), len(after)) == (0, 1)


async def test_the_journal_is_read_from_where_one_left_off() -> None:
    async with kit() as call:
        for _ in range(3):
            await call("GET", "/v4/account")
        first = (await call("GET", "/_sandbox/calls?limit=2")).json
        later = (await call("GET", f"/_sandbox/calls?since={first['calls'][0]['sequence']}")).json

    assert [each["sequence"] for each in first["calls"]] == [2, 3]
    assert [each["sequence"] for each in later["calls"]] == [3]
    assert first["totals"] == [
        {"account": "Sandbox account 1", "endpoint": "GET /v4/account", "status": 200, "count": 3}
    ]
    assert first["peaks"] == [{"account": "Sandbox account 1", "credential": "…0001", "peak": 3}]


async def test_a_reset_forgets_data_calls_faults_and_counts() -> None:
    async with kit(Sandbox(limit=2)) as call:
        await call.subscriber()
        call.sandbox.fail("hang", path="/v4/tags")
        await call("POST", "/_sandbox/reset")

        assert call.sandbox.account(KEY).subscribers() == {}
        assert call.sandbox.calls() == []
        assert call.sandbox.peak(KEY) == 0
        assert [(await call("GET", "/v4/tags")).status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    ("method", "path", "body", "names"),
    [
        ("POST", "faults", {"kind": "boom"}, "kind"),
        ("POST", "faults", {"kind": "hang", "time": 1}, "time"),
        ("POST", "limits", {"api_key": -1}, "api_key"),
        ("POST", "settings", {"latency": "soon"}, "latency"),
        ("POST", "delete", {"tag": "VIP"}, "account"),
        ("POST", "delete", {"account": KEY, "tag": "VIP"}, "VIP"),
        ("GET", "calls?since=x", None, "x"),
    ],
)
async def test_a_wrong_control_request_says_what_is_wrong(
    method: str, path: str, body: object, names: str
) -> None:
    async with kit() as call:
        reply = await call(method, f"/_sandbox/{path}", body)

    assert reply.status == 400
    assert names in reply.json["errors"][0]


async def test_an_unknown_control_request_names_those_that_exist() -> None:
    async with kit() as call:
        reply = await call("GET", "/_sandbox/nothing")

    assert reply.status == 404
    assert "POST faults" in reply.json["errors"][0]


async def test_control_requests_are_no_calls_and_are_never_struck_or_limited() -> None:
    async with kit(Sandbox(limit=0)) as call:
        call.sandbox.fail("reset")
        assert (await call("GET", "/_sandbox/state")).status == 200
        assert call.sandbox.calls() == []


async def test_the_page_shows_people_calls_and_faults_and_escapes_what_came_from_outside() -> None:
    async with kit(Sandbox(keys={KEY: "Sunny <Kitchen>"})) as call:
        view = call.sandbox.account(KEY)
        view.add_subscriber(
            "ada&co@example.com", first_name="<b>Ada", tags=["<script>"], fields={"plan": "<i>"}
        )
        call.sandbox.fail("hang", path="/v4/<path>")
        await call("GET", "/v4/tags?<query>", agent="<agent>")
        await call("GET", "/v4/<nothing>")
        page = await call("GET", "/", key=None)

    text_of_page = page.text.replace("<wbr>", "")
    assert (page.status, page.content_type) == (200, "text/html")
    for text in (
        "ada&amp;co@example.com",
        "&lt;b&gt;Ada",
        "&lt;script&gt;",
        "plan: &lt;i&gt;",
        "Sunny &lt;Kitchen&gt;",
    ):
        assert text in text_of_page
    assert "GET /v4/tags" in text_of_page
    assert "hang" in text_of_page
    assert text_of_page.count("<script") == 1
    for tag in ("<b>", "<i>", "<path>", "<nothing>", "http://", "https://", "src="):
        assert tag not in text_of_page


async def test_the_page_of_an_empty_sandbox_says_how_to_begin() -> None:
    async with kit() as call:
        page = await call("GET", "/", key=None)

    assert "the first request with a credential opens one" in page.text


async def test_a_person_who_is_not_there_is_an_error_or_none_as_one_asks() -> None:
    view = Sandbox().account(KEY)

    assert view.find("ada@example.com") is None
    with pytest.raises(LookupError, match=r"no subscriber ada@example\.com"):
        view.subscriber("ada@example.com")
    with pytest.raises(LookupError, match="VIP"):
        view.delete_tag("VIP")
    with pytest.raises(LookupError, match="plan"):
        view.delete_custom_field("plan")


async def test_an_accounts_name_and_plan_can_be_set() -> None:
    async with kit() as call:
        call.sandbox.account(KEY).configure(name="Sunny Kitchen", plan_type="creator_pro")
        account = (await call("GET", "/v4/account")).json["account"]

    assert (account["name"], account["plan_type"], account["plan"]["plan_type"]) == (
        "Sunny Kitchen",
        "creator_pro",
        "creator_pro",
    )
