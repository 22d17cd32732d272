"""The sandbox's answers against Kit's own description of its API (OpenAPI, as of April 2025).

Every endpoint and status that the sandbox serves is called for real, and the answer is validated. Where the
two differ, Kit's newer API reference wins: each such difference is listed here with its reason, and the test
fails when one is missing or no longer needed.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from worker.sandbox import Plan, Sandbox
from worker.sandbox.credentials import Kind
from worker.sandbox.endpoints import ROUTES

from .harness import Kit, Reply, kit

ANYTHING = "*"


@dataclass(frozen=True)
class Difference:
    """Where the sandbox's answers are not as described: `problem` is a part of what the validation says."""

    endpoint: str
    status: int | str
    problem: str
    reason: str


NOT_A_STRING = "None is not of type 'string' at "
NO_CURSOR = "an empty list has null as its cursors, as the description of other lists says"
NO_NAME = "the description's own examples show null for a person without a first name"
NO_VALUE = "newer: the values of `fields` are strings or null"
BAD_FILTER = "newer: a senseless filter is a client error; so, here, is a senseless cursor"

TAGS_OF = "GET /v4/subscribers/{subscriber_id}/tags"
THOSE_TAGGED = "GET /v4/tags/{tag_id}/subscribers"

DIFFERENCES = [
    Difference(ANYTHING, 429, "not described", "newer: plain text `Retry later`"),
    Difference("POST /v4/subscribers", 403, "not described", "newer: the account's subscriber limit"),
    Difference("POST /v4/custom_fields", 200, "not described", "newer: 200 for a label that exists"),
    Difference("DELETE /v4/custom_fields/{id}", 422, "not served", "here any custom field can be deleted"),
    Difference("GET /v4/tags", 422, "not described", BAD_FILTER),
    Difference(TAGS_OF, 422, "not described", BAD_FILTER),
    Difference(THOSE_TAGGED, 422, "not described", BAD_FILTER),
    Difference("GET /v4/custom_fields", 422, "not described", BAD_FILTER),
    Difference("GET /v4/tags", 200, NOT_A_STRING + "pagination.", NO_CURSOR),
    Difference(TAGS_OF, 200, NOT_A_STRING + "pagination.", NO_CURSOR),
    Difference("GET /v4/subscribers", 200, NOT_A_STRING + "subscribers.[].first_name", NO_NAME),
    Difference("GET /v4/subscribers", 200, NOT_A_STRING + "subscribers.[].fields.category", NO_VALUE),
    Difference("POST /v4/subscribers", 200, NOT_A_STRING + "subscriber.first_name", NO_NAME),
]


def openapi_path() -> Path:
    beside_the_repository = Path(__file__).parents[3].parent / "shared" / "kit" / "openapi-2025-04.json"
    return Path(os.environ.get("KIT_OPENAPI") or beside_the_repository)


@pytest.fixture(name="described")
def described_fixture() -> dict[str, dict[int, Any]]:
    """The response schemas, by endpoint and status; None where there is no body."""
    path = openapi_path()
    if not path.is_file() and "KIT_OPENAPI" not in os.environ:
        pytest.skip(
            f"KIT'S OPENAPI FILE IS NOT AT {path}: the sandbox is NOT checked against it; set KIT_OPENAPI"
        )
    document = json.loads(path.read_text())
    return {
        f"{method.upper()} {template}": {
            int(status): response.get("content", {}).get("application/json", {}).get("schema")
            for status, response in operation["responses"].items()
        }
        for template, operations in document["paths"].items()
        for method, operation in operations.items()
    }


MANY = {f"f{number}": "1" for number in range(11)}
HER = {"email_address": "ada@example.com"}
ANOTHER = {"email_address": "grace@example.com"}
NO_ONE = {"email_address": "nobody@example.com"}
TAGGED = "/v4/tags/{vip}/subscribers"

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
    ("POST /v4/subscribers/{id}/unsubscribe", "/v4/subscribers/{ada}/unsubscribe", {}),
    ("POST /v4/subscribers/{id}/unsubscribe", "/v4/subscribers/{nothing}/unsubscribe", {}),
]


async def every_answer(call: Kit) -> list[tuple[str, Reply]]:
    """Every endpoint with every status that the sandbox serves."""
    ids = {"nothing": 999_999, "vip": await call.tag("VIP"), "other": await call.tag("Other")}
    for label in ("Category", *MANY):
        await call.custom_field(label)
    ids["source"] = await call.custom_field("Source")
    ids["ada"] = await call.subscriber("ada@example.com", first_name="Ada", fields={"category": "One"})
    await call.subscriber("grace@example.com")  # without a first name and without a category
    answers = [
        (endpoint, await call(endpoint.split()[0], path.format(**ids), body))
        for endpoint, path, body in REQUESTS
    ]
    call.sandbox.limits.per_window = dict.fromkeys(Kind, 0)
    for endpoint in ROUTES:
        method, template = endpoint.split()
        path = re.sub(r"\{[^}]*\}", "1", template)
        answers.append((endpoint, await call(method, path)))
        answers.append((endpoint, await call(method, path, key=None)))
    return answers


def problems(endpoint: str, reply: Reply, described: dict[str, dict[int, Any]]) -> Iterator[str]:
    """How an answer differs from its description."""
    if reply.status not in described[endpoint]:
        yield "not described"
        return
    schema = described[endpoint][reply.status]
    if schema is None:
        if reply.text:
            yield "a body where none is described"
        return
    if reply.content_type != "application/json":
        yield f"the body is {reply.content_type}"
        return
    for error in jsonschema.Draft202012Validator(as_json_schema(schema)).iter_errors(reply.json):
        path = ".".join("[]" if isinstance(step, int) else step for step in error.absolute_path)
        yield f"{error.message} at {path}"


def as_json_schema(schema: Any) -> Any:  # noqa: ANN401  # a schema is any JSON
    """OpenAPI 3.0's `nullable` as JSON Schema has it."""
    if isinstance(schema, list):
        return [as_json_schema(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: as_json_schema(value) for name, value in schema.items() if name != "nullable"}
    if schema.get("nullable") is True and "type" in plain:
        plain["type"] = [plain["type"], "null"]
    return plain


def explains(difference: Difference, endpoint: str, status: int, problem: str) -> bool:
    return (
        difference.endpoint in (ANYTHING, endpoint)
        and difference.status in (ANYTHING, status)
        and difference.problem in problem
    )


async def test_every_answer_is_as_kit_describes_it_but_for_the_listed_differences(
    described: dict[str, dict[int, Any]],
) -> None:
    async with kit(Sandbox(limit=False, plan=Plan(subscriber_limit=3))) as call:
        answers = await every_answer(call)

    found = [
        (endpoint, reply.status, problem)
        for endpoint, reply in answers
        for problem in problems(endpoint, reply, described)
    ]
    served = {(endpoint, reply.status) for endpoint, reply in answers}
    found += [
        (endpoint, status, "not served")
        for endpoint in ROUTES
        for status in described[endpoint]
        if (endpoint, status) not in served
    ]

    assert {each for each in found if not any(explains(known, *each) for known in DIFFERENCES)} == set()
    assert [known for known in DIFFERENCES if not any(explains(known, *each) for each in found)] == []


async def test_every_endpoint_of_the_sandbox_is_one_of_kits(described: dict[str, dict[int, Any]]) -> None:
    assert set(ROUTES) <= set(described)


@pytest.mark.parametrize("value", [{"errors": "Not Found"}, {"error": ["Not Found"]}, {"errors": [404]}])
async def test_the_check_notices_a_wrong_shape(described: dict[str, dict[int, Any]], value: object) -> None:
    reply = Reply(404, json.dumps(value), "application/json", {})

    assert list(problems("GET /v4/subscribers/{id}", reply, described))
