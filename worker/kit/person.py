"""What Kit has of one person: three calls as a rule, which only read.

It is one more where its id is not known, or gone, and for each further page of custom fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from worker.errors import KitUnavailable
from worker.kit.answers import Answer, NotFound, Row, is_kit_id, is_text
from worker.kit.client import KitClient
from worker.kit.custom_fields import by_name
from worker.kit.lists import read_list

MOST_TAGS: Final = "1000"
"""Of one person; Kit lists at most so many at once."""


@dataclass(frozen=True, slots=True)
class KitTag:
    """A tag that somebody has in Kit.

    Attributes:
        tagged_at: Since when, as Kit says it: ISO 8601; empty where it does not.
    """

    id: int
    name: str
    tagged_at: str = ""


@dataclass(frozen=True, slots=True)
class KitPerson:
    """A subscriber as Kit has it.

    Attributes:
        state: Such as `active`.
        tags: Kit's lists lag: what was put on or taken off within 5 minutes may not show.
        fields: By custom field's id, those that have a value.
        labels: What people call the custom fields of the Kit account, by id.
        names: The ids of these, by key and label.
        more_tags: Whether there are more tags than were read.
    """

    id: int
    email: str
    state: str
    first_name: str
    tags: tuple[KitTag, ...] = ()
    fields: Mapping[int, str] = field(default_factory=dict)
    labels: Mapping[int, str] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)
    more_tags: bool = False


async def ask_for_person(client: KitClient, email: str, kit_id: int | None) -> KitPerson | None:
    """Return what Kit has of a person; None where it has nobody.

    Args:
        client: The way to Kit.
        email: The person's address.
        kit_id: Kit's id of the person; None where that is not known.

    Raises:
        KitWorkerError: As `KitClient.call` raises it.
    """
    found = await subscriber_of(client, kit_id) if kit_id is not None else None
    found = found or await _by_address(client, email)
    if found is None:
        return None
    tags, more_tags = await ask_for_tags(client, found["id"])
    rows = await read_list(client, "custom_fields")
    ids = {row["key"]: row["id"] for row in rows}
    return KitPerson(
        id=found["id"],
        email=found["email_address"],
        state=str(found.get("state") or ""),
        first_name=str(found.get("first_name") or ""),
        tags=tags,
        fields={ids[key]: value for key, value in values_of(found).items() if key in ids},
        labels={row["id"]: row["label"] for row in rows},
        names=_ids(rows),
        more_tags=more_tags,
    )


async def ask_for_fields(client: KitClient) -> Mapping[str, int]:
    """Return the ids of the account's custom fields, by key and label; raises as `ask_for_person` does."""
    return _ids(await read_list(client, "custom_fields"))


def _ids(rows: list[Row]) -> Mapping[str, int]:
    return {name: named.id for name, named in by_name(rows).items()}


async def ask_for_tags(client: KitClient, kit_id: int) -> tuple[tuple[KitTag, ...], bool]:
    """Return the tags of whom Kit has under an id, and whether there are more; raises as `KitClient.call`."""
    answer = await client.call("GET", "/v4/subscribers/{}/tags", kit_id, params={"per_page": MOST_TAGS})
    rows = answer.items("tags", {"id": is_kit_id, "name": is_text})
    return tuple(map(_tag, rows)), _has_more(answer)


async def subscriber_of(client: KitClient, kit_id: int) -> Row | None:
    """Return the subscriber of an id, if there is one: by it, Kit's answer is the present one."""
    try:
        answer = await client.call("GET", "/v4/subscribers/{}", kit_id)
    except NotFound:
        return None
    found = dict(answer.item("subscriber"))
    if not is_text(found.get("email_address")):
        raise KitUnavailable("GET /v4/subscribers/{}: Kit answered without the address of 'subscriber'")
    return found


async def _by_address(client: KitClient, email: str) -> Row | None:
    answer = await client.get("/v4/subscribers", {"email_address": email, "status": "all"})
    rows = answer.items("subscribers")
    return next((row for row in rows if row["email_address"].lower() == email.lower()), None)


def _tag(row: Row) -> KitTag:
    return KitTag(row["id"], row["name"], str(row.get("tagged_at") or ""))


def values_of(found: Row) -> Mapping[str, str]:
    """Return the values of a subscriber's custom fields that have one, by their keys in Kit."""
    fields = found.get("fields")
    values = fields.items() if isinstance(fields, dict) else ()
    return {key: str(value) for key, value in values if value is not None}


def _has_more(answer: Answer) -> bool:
    page = answer.body.get("pagination")
    return isinstance(page, dict) and bool(page.get("has_next_page"))
