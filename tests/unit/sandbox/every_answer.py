"""Every endpoint of the sandbox, called for every status that it serves."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from worker.sandbox.credentials import Kind
from worker.sandbox.endpoints import ROUTES

from .harness import KEY, TOKEN, Kit, Reply

MANY = {f"f{number}": "1" for number in range(11)}
HER = {"email_address": "ada@example.com"}
ANOTHER = {"email_address": "grace@example.com"}
NO_ONE = {"email_address": "nobody@example.com"}
TAGGED = "/v4/tags/{vip}/subscribers"
ADDED = "/v4/WORDs/{WORD}/subscribers"
FROM = {"referrer": "https://example.com/?utm_source=mail"}

REQUESTS: list[tuple[str, str, object]] = [
    ("GET /v4/account", "/v4/account", None),
    ("POST /v4/subscribers", "/v4/subscribers", {"email_address": "new@example.com", "first_name": "New"}),
    ("POST /v4/subscribers", "/v4/subscribers", {"email_address": "one-too-many@example.com"}),
    ("POST /v4/subscribers", "/v4/subscribers", HER),
    ("POST /v4/subscribers", "/v4/subscribers", ANOTHER),
    ("POST /v4/subscribers", "/v4/subscribers", {**HER, "fields": {"nope": "1"}}),
    ("POST /v4/subscribers", "/v4/subscribers", {**HER, "fields": MANY}),
    ("POST /v4/subscribers", "/v4/subscribers", {"email_address": "ada"}),
    ("PUT /v4/subscribers/{id}", "/v4/subscribers/{ada}", {**HER, "first_name": "Ada"}),
    ("PUT /v4/subscribers/{id}", "/v4/subscribers/{ada}", {**HER, "fields": MANY}),
    ("PUT /v4/subscribers/{id}", "/v4/subscribers/{ada}", ANOTHER),
    ("PUT /v4/subscribers/{id}", "/v4/subscribers/{nothing}", HER),
    ("GET /v4/subscribers", "/v4/subscribers", None),
    ("GET /v4/subscribers", "/v4/subscribers?email_address=nobody@example.com", None),
    ("GET /v4/subscribers", "/v4/subscribers?status=asleep", None),
    ("GET /v4/subscribers/{id}", "/v4/subscribers/{ada}", None),
    ("GET /v4/subscribers/{id}", "/v4/subscribers/{nothing}", None),
    ("POST /v4/tags", "/v4/tags", {"name": "New"}),
    ("POST /v4/tags", "/v4/tags", {"name": "vip"}),
    ("POST /v4/tags", "/v4/tags", {"name": ""}),
    ("GET /v4/tags", "/v4/tags", None),
    ("GET /v4/tags", "/v4/tags?after=WzBd", None),
    ("GET /v4/tags", "/v4/tags?after=x", None),
    ("PUT /v4/tags/{id}", "/v4/tags/{other}", {"name": "Renamed"}),
    ("PUT /v4/tags/{id}", "/v4/tags/{other}", {"name": ""}),
    ("PUT /v4/tags/{id}", "/v4/tags/{nothing}", {"name": "x"}),
    ("DELETE /v4/tags/{id}", "/v4/tags/{other}", None),
    ("DELETE /v4/tags/{id}", "/v4/tags/{nothing}", None),
    ("POST /v4/tags/{tag_id}/subscribers", TAGGED, HER),
    ("POST /v4/tags/{tag_id}/subscribers", TAGGED, HER),
    ("POST /v4/tags/{tag_id}/subscribers", TAGGED, NO_ONE),
    ("POST /v4/tags/{tag_id}/subscribers", TAGGED, {}),
    ("GET /v4/tags/{tag_id}/subscribers", TAGGED, None),
    ("GET /v4/tags/{tag_id}/subscribers", TAGGED + "?status=asleep", None),
    ("GET /v4/tags/{tag_id}/subscribers", "/v4/tags/{nothing}/subscribers", None),
    ("GET /v4/subscribers/{subscriber_id}/tags", "/v4/subscribers/{ada}/tags", None),
    ("GET /v4/subscribers/{subscriber_id}/tags", "/v4/subscribers/{ada}/tags?after=x", None),
    ("GET /v4/subscribers/{subscriber_id}/tags", "/v4/subscribers/{nothing}/tags", None),
    ("DELETE /v4/tags/{tag_id}/subscribers", TAGGED, HER),
    ("DELETE /v4/tags/{tag_id}/subscribers", TAGGED, NO_ONE),
    ("DELETE /v4/tags/{tag_id}/subscribers", TAGGED, {}),
    ("GET /v4/subscribers/{subscriber_id}/tags", "/v4/subscribers/{ada}/tags", None),
    ("POST /v4/tags/{tag_id}/subscribers/{id}", TAGGED + "/{ada}", None),
    ("POST /v4/tags/{tag_id}/subscribers/{id}", TAGGED + "/{ada}", None),
    ("POST /v4/tags/{tag_id}/subscribers/{id}", TAGGED + "/{nothing}", None),
    ("DELETE /v4/tags/{tag_id}/subscribers/{id}", TAGGED + "/{ada}", None),
    ("DELETE /v4/tags/{tag_id}/subscribers/{id}", TAGGED + "/{nothing}", None),
    ("GET /v4/custom_fields", "/v4/custom_fields", None),
    ("GET /v4/custom_fields", "/v4/custom_fields?after=WzBd", None),
    ("GET /v4/custom_fields", "/v4/custom_fields?after=x", None),
    ("POST /v4/custom_fields", "/v4/custom_fields", {"label": "Birthday"}),
    ("POST /v4/custom_fields", "/v4/custom_fields", {"label": "Birthday"}),
    ("POST /v4/custom_fields", "/v4/custom_fields", {"label": ""}),
    ("PUT /v4/custom_fields/{id}", "/v4/custom_fields/{source}", {"label": "Origin"}),
    ("PUT /v4/custom_fields/{id}", "/v4/custom_fields/{source}", {"label": ""}),
    ("PUT /v4/custom_fields/{id}", "/v4/custom_fields/{nothing}", {"label": "x"}),
    ("DELETE /v4/custom_fields/{id}", "/v4/custom_fields/{source}", None),
    ("DELETE /v4/custom_fields/{id}", "/v4/custom_fields/{source}", None),
    *(
        (endpoint, path.replace("WORD", word), body)
        for word in ("form", "sequence")
        for endpoint, path, body in (
            (f"GET /v4/{word}s", "/v4/WORDs", None),
            (f"GET /v4/{word}s", "/v4/WORDs?after=x", None),
            (f"POST /v4/{word}s/{{{word}_id}}/subscribers", ADDED, HER),
            (f"POST /v4/{word}s/{{{word}_id}}/subscribers", ADDED, HER),
            (f"POST /v4/{word}s/{{{word}_id}}/subscribers", ADDED, NO_ONE),
            (f"POST /v4/{word}s/{{{word}_id}}/subscribers", ADDED, {}),
            (
                f"POST /v4/{word}s/{{{word}_id}}/subscribers/{{id}}",
                ADDED.replace("}", "_2}") + "/{ada}",
                FROM,
            ),
            (
                f"POST /v4/{word}s/{{{word}_id}}/subscribers/{{id}}",
                ADDED.replace("}", "_2}") + "/{ada}",
                FROM,
            ),
            (f"POST /v4/{word}s/{{{word}_id}}/subscribers/{{id}}", ADDED + "/{nothing}", None),
            (f"GET /v4/{word}s/{{{word}_id}}/subscribers", ADDED, None),
            (f"GET /v4/{word}s/{{{word}_id}}/subscribers", ADDED + "?status=asleep", None),
            (f"GET /v4/{word}s/{{{word}_id}}/subscribers", "/v4/WORDs/{nothing}/subscribers", None),
        )
    ),
    ("POST /v4/subscribers/{id}/unsubscribe", "/v4/subscribers/{ada}/unsubscribe", {}),
    ("POST /v4/subscribers/{id}/unsubscribe", "/v4/subscribers/{nothing}/unsubscribe", {}),
]


PAIR, NO_PAIR = {"tag_id": "{vip}", "subscriber_id": "{ada}"}, {"tag_id": 1, "subscriber_id": 1}
ADDITION = {"form_id": "{form}", "subscriber_id": "{ada}", "referrer": "https://example.com/"}
VALUE = {"subscriber_id": "{ada}", "subscriber_custom_field_id": "{source}", "value": "One"}

# Entries that are done and entries that fail. An id such as `{ada}` stands for one of the account.
BULK: list[tuple[str, str, list[Mapping[str, object]]]] = [
    ("POST /v4/bulk/subscribers", "subscribers", [HER]),
    ("POST /v4/bulk/subscribers", "subscribers", [{"email_address": "ada", "first_name": "Ada"}]),
    ("POST /v4/bulk/subscribers", "subscribers", [{"email_address": "ada"}]),
    ("POST /v4/bulk/subscribers", "subscribers", [{"email_address": f"{n}@example.com"} for n in range(9)]),
    (
        "POST /v4/bulk/custom_fields/subscribers",
        "custom_field_values",
        [VALUE, {**VALUE, "subscriber_id": 1}, {**VALUE, "subscriber_custom_field_id": 1}],
    ),
    ("POST /v4/bulk/tags/subscribers", "taggings", [PAIR, NO_PAIR]),
    ("DELETE /v4/bulk/tags/subscribers", "taggings", [PAIR, NO_PAIR]),
    ("POST /v4/bulk/forms/subscribers", "additions", [ADDITION, {**ADDITION, "form_id": 1}]),
    ("POST /v4/bulk/tags", "tags", [{"name": "Bulk"}]),
    ("POST /v4/bulk/tags", "tags", [{"name": ""}]),
    ("DELETE /v4/bulk/tags", "tags", [{"id": "{other}"}, {"id": 1}]),
    ("POST /v4/bulk/custom_fields", "custom_fields", [{"label": "Bulk"}, {"label": "bulk"}]),
    ("POST /v4/bulk/custom_fields", "custom_fields", [{"label": ""}]),
]


async def every_answer(call: Kit) -> list[tuple[str, Reply]]:
    """Every endpoint with every status that the sandbox serves."""
    answers = await single_answers(call) + await bulk_answers(call)
    call.sandbox.limits.per_window = dict.fromkeys(Kind, 0)
    for endpoint in ROUTES:
        method, template = endpoint.split()
        path = re.sub(r"\{[^}]*\}", "1", template)
        answers.append((endpoint, await call(method, path, token=TOKEN)))
        answers.append((endpoint, await call(method, path, key=None)))
    return answers


async def bulk_answers(call: Kit) -> list[tuple[str, Reply]]:
    view = call.sandbox.account(TOKEN)
    ids: dict[object, object] = {
        "{vip}": view.add_tag("VIP"),
        "{other}": view.add_tag("Other"),
        "{form}": view.add_form("Sign up"),
        "{ada}": view.add_subscriber("ada@example.com"),  # without a first name
        "{source}": view.add_custom_field("Source"),
    }
    answers = [
        (endpoint, await _bulk(call, endpoint, name, [_with_ids(item, ids) for item in items]))
        for endpoint, name, items in BULK
    ]
    for endpoint, name in {endpoint: name for endpoint, name, _ in BULK}.items():
        answers.append((endpoint, await _bulk(call, endpoint, name, [])))
        answers.append((endpoint, await _bulk(call, endpoint, name, [HER] * 101)))
        call.sandbox.fail("queue_full", times=1)
        answers.append((endpoint, await _bulk(call, endpoint, name, [HER])))
    return answers


async def _bulk(call: Kit, endpoint: str, name: str, items: Sequence[object]) -> Reply:
    method, path = endpoint.split()
    return await call(method, path, {name: items, "callback_url": None}, token=TOKEN)


def _with_ids(item: Mapping[str, object], ids: Mapping[object, object]) -> object:
    return {name: ids.get(value, value) for name, value in item.items()}


async def single_answers(call: Kit) -> list[tuple[str, Reply]]:
    ids = {"nothing": 999_999, "vip": await call.tag("VIP"), "other": await call.tag("Other")}
    for label in ("Category", *MANY):
        await call.custom_field(label)
    ids["source"] = await call.custom_field("Source")
    ids["ada"] = await call.subscriber("ada@example.com", first_name="Ada", fields={"category": "One"})
    await call.subscriber("grace@example.com")  # without a first name and without a category
    view = call.sandbox.account(KEY)
    ids |= {"form": view.add_form("Sign up"), "form_2": view.add_form("Page", hosted=True)}
    ids |= {"sequence": view.add_sequence("Welcome"), "sequence_2": view.add_sequence("Course")}
    return [
        (endpoint, await call(endpoint.split()[0], path.format(**ids), body))
        for endpoint, path, body in REQUESTS
    ]
