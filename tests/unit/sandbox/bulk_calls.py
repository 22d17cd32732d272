"""Bulk calls with an access token."""

from __future__ import annotations

from .harness import TOKEN, Kit, Reply

SUBSCRIBERS = "/v4/bulk/subscribers"
VALUES = "/v4/bulk/custom_fields/subscribers"
TAGGINGS = "/v4/bulk/tags/subscribers"
FORMS = "/v4/bulk/forms/subscribers"
LISTS = {
    ("POST", SUBSCRIBERS): "subscribers",
    ("POST", VALUES): "custom_field_values",
    ("POST", TAGGINGS): "taggings",
    ("DELETE", TAGGINGS): "taggings",
    ("POST", FORMS): "additions",
    ("POST", "/v4/bulk/tags"): "tags",
    ("DELETE", "/v4/bulk/tags"): "tags",
    ("POST", "/v4/bulk/custom_fields"): "custom_fields",
}


async def bulk(call: Kit, path: str, *items: object, method: str = "POST") -> Reply:
    body = {LISTS[method, path]: list(items), "callback_url": None}
    return await call(method, path, body, token=TOKEN)


def people(*emails: str, **more: object) -> list[dict[str, object]]:
    return [{"email_address": email, "first_name": email[0].upper(), **more} for email in emails]


async def upserted(call: Kit, *emails: str, **more: object) -> Reply:
    return await bulk(call, SUBSCRIBERS, *people(*emails, **more))


async def tagged_pair(call: Kit) -> tuple[int, int]:
    view = call.sandbox.account(TOKEN)
    return view.add_tag("VIP"), view.add_subscriber("ada@example.com")
