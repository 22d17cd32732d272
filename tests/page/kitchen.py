"""A sandbox with what people really have: long names, addresses and tags, other scripts, calls and faults."""

from __future__ import annotations

from itertools import count
from urllib.parse import urlencode

import aiohttp

from worker.sandbox import Sandbox

KEY, OTHER_KEY = "key-of-sunny-0001", "key-of-rainy-0002"
APP = "kit-worker"
CALLBACK = "https://platform.example.com/integrations/kit/callback"
NOON = 1_795_780_800.0  # 27 November 2026, 12:00 UTC


def consent_path(**more: str) -> str:
    """The address at which a creator is asked for access."""
    asked = {"client_id": APP, "response_type": "code", "redirect_uri": CALLBACK, "state": "s", **more}
    return f"/v4/oauth/authorize?{urlencode(asked)}"


def kitchen() -> Sandbox:
    """Two accounts and their people, at a time that stands still, so that pictures are the same each time."""
    steps = count()
    made = Sandbox(
        keys={KEY: "Sunny Kitchen", OTHER_KEY: "Rainy Kitchen"},
        wall=lambda: NOON,
        monotonic=lambda: next(steps) * 0.004,
    )
    made.oauth.client(APP, "hush-hush")
    people = made.account(KEY)
    people.add_subscriber(
        "ada.lovelace@example.com", first_name="Ada", tags=["Active Member", "Annual Plan"],
        fields={"plan": "Annual", "member_since": "2026-11-03"},
    )  # fmt: skip
    people.add_subscriber(
        "grace@example.com", first_name="Grace", state="cancelled", tags=["Cancelled"],
        fields={"plan": "Monthly"},
    )  # fmt: skip
    people.add_subscriber("zoe@example.com", first_name="Zoë", tags=["Active Member", "VIP 🎉"])
    return made


def add_what_is_long(made: Sandbox) -> None:
    """Somebody whose address, name, tags and fields are as long as the platform lets them be."""
    made.account(KEY).add_subscriber(
        "wilhelmina.featherstonehaugh+newsletter@international-cookery-school.example.com",
        first_name="Wilhelmina-Featherstonehaugh 林 " * 3,
        tags=["x" * 120, "Everything-that-the-platform-sells-together", *(f"Course {n}" for n in range(30))],
        fields={
            "address_of_the_profile": f"https://platform.example.com/members/{'0123456789' * 12}?from=kit"
        },
    )


async def call_some(made: Sandbox) -> None:
    """Let a client of two accounts make calls, of which one goes wrong."""
    tag = made.account(KEY).add_tag("Active Member")
    ada = made.account(KEY).subscriber("ada.lovelace@example.com").id
    made.fail("status", path="/v4/custom_fields", times=1)
    asked = [
        ("GET", "/v4/account", KEY),
        ("GET", "/v4/tags", KEY),
        ("POST", f"/v4/tags/{tag}/subscribers/{ada}", KEY),
        ("GET", "/v4/custom_fields", KEY),
        ("GET", "/v4/account", OTHER_KEY),
        ("GET", "/v4/subscribers/1", KEY),
    ]
    async with aiohttp.ClientSession() as session:
        for method, path, key in asked:
            async with session.request(method, made.url + path, headers={"X-Kit-Api-Key": key}) as answer:
                await answer.read()
