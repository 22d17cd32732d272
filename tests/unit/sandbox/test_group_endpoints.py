"""Forms, landing pages and sequences, and who was added to them."""

from __future__ import annotations

import pytest

from worker.sandbox import AccountView, Sandbox

from .bulk_calls import FORMS, bulk
from .harness import KEY, TOKEN, Kit, kit

AT = "2027-01-15T08:00:00Z"
HER = {"email_address": "ada@example.com"}
PAGE = "https://example.com/"
CAMPAIGN = PAGE + "?utm_source=mail&utm_medium=a&utm_campaign=b&utm_term=c&utm_content=d&x=1"
UNKNOWN = "This sandbox does not support the parameter"
UTM = {"source": "mail", "medium": "a", "campaign": "b", "term": "c", "content": "d"}


def sandbox() -> Sandbox:
    return Sandbox(wall=lambda: 1_800_000_000.0)


def new_group(view: AccountView, word: str) -> int:
    return view.add_form("Sign up") if word == "form" else view.add_sequence("Welcome")


async def form_names(call: Kit, query: str) -> list[str]:
    reply = await call("GET", f"/v4/forms{query}")
    return [each["name"] for each in reply.json["forms"]]


async def test_forms_are_listed_by_type_and_status_with_a_count_where_it_is_asked_for() -> None:
    async with kit(sandbox()) as call:
        view = call.sandbox.account(KEY)
        form, _ = view.add_form("Sign up"), view.add_form("Page", hosted=True)
        view.add_form("Old", archived=True)
        for name, state in (("ada", "active"), ("ben", "cancelled")):
            person = await call.subscriber(f"{name}@example.com", state=state)
            await call("POST", f"/v4/forms/{form}/subscribers/{person}")
        counted = (await call("GET", "/v4/forms?type=embed&include=subscriber_count")).json["forms"]

        assert await form_names(call, "") == ["Page", "Sign up"]
        assert await form_names(call, "?type=hosted") == ["Page"]
        assert await form_names(call, "?status=archived") == ["Old"]
        assert await form_names(call, "?status=all&type=embed&per_page=1") == ["Old"]
        assert await form_names(call, "?status=trashed") == []
        uid = counted[0]["uid"]
        assert counted == [
            {
                "id": form,
                "name": "Sign up",
                "created_at": AT,
                "type": "embed",
                "format": None,
                "embed_js": f"https://sandbox.example.com/{uid}/index.js",
                "embed_url": f"https://sandbox.example.com/{uid}",
                "archived": False,
                "uid": uid,
                "subscriber_count": 1,
            }
        ]


async def test_sequences_are_listed() -> None:
    async with kit(sandbox()) as call:
        view = call.sandbox.account(KEY)
        first, second = view.add_sequence("Welcome"), view.add_sequence("Course")
        reply = await call("GET", "/v4/sequences")

    about = {"hold": False, "repeat": False, "created_at": AT}
    assert reply.json["sequences"] == [
        {"id": second, "name": "Course", **about},
        {"id": first, "name": "Welcome", **about},
    ]


@pytest.mark.parametrize("by", ["email", "id"])
@pytest.mark.parametrize("word", ["form", "sequence"])
async def test_adding_says_whether_it_is_new_and_those_who_were_added_are_listed(word: str, by: str) -> None:
    async with kit(sandbox()) as call:
        group, person = new_group(call.sandbox.account(KEY), word), await call.subscriber(state="inactive")
        await call.subscriber("grace@example.com")
        path = f"/v4/{word}s/{group}/subscribers"
        target = f"{path}/{person}" if by == "id" else path
        body: object = HER if by == "email" else []  # what Kit's own libraries send for no data
        first, second = [await call("POST", target, body) for _ in range(2)]
        active = (await call("GET", path)).json["subscribers"]
        everybody = (await call("GET", f"{path}?status=all")).json["subscribers"]
        slim = (await call("GET", f"{path}?status=inactive&slim=true")).json["subscribers"]

    plain = {"id": person, "first_name": None, **HER, "state": "inactive", "created_at": AT, "added_at": AT}
    assert (first.status, second.status) == (201, 200)
    assert first.json == second.json == {"subscriber": {**plain, "fields": {}}}
    assert (active, everybody, slim) == ([], [{**plain, "fields": {}}], [plain])


async def test_a_form_keeps_from_where_somebody_came_first() -> None:
    async with kit(sandbox()) as call:
        path = f"/v4/forms/{new_group(call.sandbox.account(KEY), 'form')}/subscribers"
        person = await call.subscriber()
        first = await call("POST", path, {**HER, "referrer": CAMPAIGN})
        second = await call("POST", f"{path}/{person}", {"referrer": PAGE})
        await call.subscriber(first_name="Ada")  # an update, which leaves additions alone
        (listed,) = (await call("GET", path)).json["subscribers"]

    for shown in (first.json["subscriber"], second.json["subscriber"], listed):
        assert shown["referrer"] == CAMPAIGN
        assert shown["referrer_utm_parameters"] == UTM


@pytest.mark.parametrize("word", ["form", "sequence"])
async def test_somebody_is_added_who_exists_to_what_exists(word: str) -> None:
    async with kit(sandbox()) as call:
        view = call.sandbox.account(KEY)
        group, other = new_group(view, word), new_group(view, "form" if word == "sequence" else "sequence")
        person = await call.subscriber()
        path = f"/v4/{word}s/{group}/subscribers"
        missing = [
            await call("POST", path, {"email_address": "nobody@example.com"}),
            await call("POST", f"{path}/999999"),
            await call("POST", f"/v4/{word}s/{other}/subscribers", HER),
            await call("POST", f"/v4/{word}s/{other}/subscribers/{person}"),
            await call("GET", f"/v4/{word}s/{other}/subscribers"),
        ]
        nobody, no_address = await call("POST", path, {}), await call("POST", path, {"email_address": "ada"})

    assert [(each.status, each.json) for each in missing] == [(404, {"errors": ["Not Found"]})] * 5
    needed = f"Either subscriber id or email address is required to add subscriber to {word}"
    assert (nobody.status, nobody.json) == (422, {"errors": [needed]})
    assert (no_address.status, no_address.json) == (422, {"errors": ["Email address is invalid"]})


async def test_people_are_added_to_forms_together_and_those_who_are_not_are_told() -> None:
    async with kit(sandbox()) as call:
        view = call.sandbox.account(TOKEN)
        form, person = view.add_form("Sign up"), view.add_subscriber("ada@example.com")
        entry = {"form_id": form, "subscriber_id": person, "referrer": CAMPAIGN}
        reply = await bulk(call, FORMS, entry, {**entry, "form_id": 1}, {"form_id": form, "subscriber_id": 1})

    added = {"id": person, "first_name": None, **HER, "created_at": AT, "added_at": AT}
    assert (reply.status, reply.json) == (
        200,
        {
            "subscribers": [{**added, "referrer": CAMPAIGN, "referrer_utm_parameters": UTM}],
            "failures": [
                {"subscription": {**entry, "form_id": None}, "errors": ["Form does not exist"]},
                {
                    "subscription": {"form_id": form, "subscriber_id": None, "referrer": None},
                    "errors": ["Subscriber does not exist"],
                },
            ],
        },
    )


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/v4/forms?type=popup", "Type is invalid: it is one of embed, hosted"),
        ("/v4/forms?status=new", "Status is invalid: it is one of active, archived, trashed, all"),
        (
            "/v4/sequences?include=stats",
            f"{UNKNOWN} include of GET /v4/sequences: it has after, before, include_total_count, per_page",
        ),
    ],
)
async def test_another_type_status_or_more_about_sequences_is_refused(path: str, error: str) -> None:
    async with kit() as call:
        reply = await call("GET", path)

    assert (reply.status, reply.json) == (422, {"errors": [error]})


async def test_lists_of_groups_lag_too() -> None:
    now = 1_800_000_000.0
    async with kit(Sandbox(list_lag=30.0, wall=lambda: now)) as call:
        view = call.sandbox.account(KEY)
        path = f"/v4/forms/{view.add_form('Sign up')}/subscribers"
        view.add_sequence("Welcome")
        await call("POST", f"{path}/{await call.subscriber()}")

        async def lengths() -> list[int]:
            lists = {"/v4/forms": "forms", "/v4/sequences": "sequences", path: "subscribers"}
            return [len((await call("GET", each)).json[name]) for each, name in lists.items()]

        assert await lengths() == [0, 0, 0]
        now += 30.0
        assert await lengths() == [1, 1, 1]


async def test_forms_and_sequences_are_seeded_and_shown_by_control() -> None:
    async with kit(Sandbox(keys={KEY: "Sunny Kitchen"})) as call:
        names = {"forms": ["Sign up"], "landing_pages": ["Page"], "sequences": ["Welcome"]}
        seeded = (await call("POST", "/_sandbox/seed", names)).json
        state = (await call("GET", "/_sandbox/state")).json["accounts"][0]
        forms = (await call("GET", "/v4/forms")).json["forms"]
        after = (await call("POST", "/_sandbox/reset")).json["accounts"][0]

    assert seeded["forms"] == state["forms"]
    assert [(each["name"], each["type"]) for each in state["forms"]] == [
        ("Sign up", "embed"),
        ("Page", "hosted"),
    ]
    assert [each["id"] for each in forms] == [each["id"] for each in reversed(state["forms"])]
    assert [each["name"] for each in state["sequences"]] == ["Welcome"]
    assert (after["forms"], after["sequences"]) == ([], [])
