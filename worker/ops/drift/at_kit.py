"""What Kit has of an account's people: all of them, by pages in the order of their ids, and one as it is now.

Lists lag behind writes, by up to 5 minutes (Kit API reference, "Consistency"); a look-up by id does not.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from worker.errors import KitRejected
from worker.kit.answers import Answer, Row, is_kit_id
from worker.kit.catalog import TAGS
from worker.kit.client import KitClient
from worker.kit.custom_fields import KIND, by_name
from worker.kit.lists import PAGE, next_page, read_list
from worker.kit.person import MOST_TAGS, subscriber_of
from worker.ops.drift.compare import NamesAtKit, SubscriberAtKit
from worker.subscribers.parts import tag_key

_IN_ORDER: Final = {"status": "all", "per_page": PAGE, "sort_field": "id", "sort_order": "asc"}


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """One page of a Kit account's people.

    Attributes:
        people: By Kit's id, in the order of the ids.
        after: The cursor of the page that follows; None after the last one.
        tells_tags: Whether it says which tags they have; an older Kit does not.
    """

    people: Mapping[int, SubscriberAtKit]
    after: str | None
    tells_tags: bool


class Tagged:
    """Who has which tag, for a Kit that lists people without their tags: 8 bytes a tagging.

    Args:
        people: By the tag's id, the ids of its people, in any order.
    """

    def __init__(self, people: Mapping[int, Iterable[int]]) -> None:
        self._people = {tag: array("q", sorted(ids)) for tag, ids in people.items()}

    def of(self, person: int) -> frozenset[int]:
        """Return the ids of somebody's tags."""
        return frozenset(tag for tag, ids in self._people.items() if _has(ids, person))


async def names_at_kit(client: KitClient) -> NamesAtKit:
    """Return the tags and custom fields that a Kit account has; raises as `KitClient.call` does."""
    tags, fields = await read_list(client, TAGS), await read_list(client, KIND)
    return NamesAtKit(
        {row["id"]: row["name"] for row in tags},
        {tag_key(row["name"]): row["id"] for row in tags},
        {row["id"]: row["key"] for row in fields},
        {name: named.id for name, named in by_name(fields).items()},
        {row["id"]: row["label"] for row in fields},
    )


async def people_page(client: KitClient, after: str, *, with_tags: bool = True) -> PeoplePage:
    """Return one page of people.

    Args:
        client: The way to Kit.
        after: The cursor of the page before; empty for the first one.
        with_tags: Whether to ask for their tags; a Kit that refuses that is asked without.

    Raises:
        KitWorkerError: As `KitClient.call` raises it.
    """
    params = {**_IN_ORDER, **({"after": after} if after else {})}
    try:
        answer = await client.get("/v4/subscribers", params | ({"include": "tags"} if with_tags else {}))
    except KitRejected:
        if not with_tags:
            raise
        answer = await client.get("/v4/subscribers", params)
    rows = answer.items("subscribers")
    tells_tags = all(isinstance(row.get("tags"), list) for row in rows)
    return PeoplePage({row["id"]: _at_kit(row) for row in rows}, next_page(answer), tells_tags)


async def tagged_page(client: KitClient, tag: int, after: str) -> tuple[list[int], str | None]:
    """Return the ids of a page of those who have a tag, in whichever state, and the cursor of the next one.

    Args:
        client: The way to Kit.
        tag: Its id.
        after: The cursor of the page before; empty for the first one.

    Raises:
        KitWorkerError: As `KitClient.call` raises it.
    """
    params = {"status": "all", "per_page": PAGE, "slim": "true", **({"after": after} if after else {})}
    answer = await client.call("GET", "/v4/tags/{}/subscribers", tag, params=params)
    return [row["id"] for row in answer.items("subscribers", {"id": is_kit_id})], next_page(answer)


async def look_up(client: KitClient, person: int, *, tags: bool) -> SubscriberAtKit | None:
    """Return somebody as Kit has them now; None where it has nobody of that id.

    Args:
        client: The way to Kit.
        person: Kit's id.
        tags: Whether to look at their tags, which is one more call.

    Raises:
        KitWorkerError: As `KitClient.call` raises it.
    """
    row = await subscriber_of(client, person)
    if row is None:
        return None
    if not tags:
        return _at_kit(row)
    answer = await client.call("GET", "/v4/subscribers/{}/tags", person, params={"per_page": MOST_TAGS})
    return _at_kit({**row, "tags": _all_tags(answer)})


def _all_tags(answer: Answer) -> list[Row] | None:
    """Return somebody's tags; None where there are more than were read."""
    return None if next_page(answer) is not None else answer.items("tags", {"id": is_kit_id})


def _at_kit(row: Row) -> SubscriberAtKit:
    fields, tags = row.get("fields"), row.get("tags")
    return SubscriberAtKit(
        row["email_address"],
        str(row.get("state") or ""),
        str(row.get("first_name") or ""),
        fields if isinstance(fields, dict) else {},
        frozenset(map(_id, tags)) if isinstance(tags, list) else None,
    )


def _id(tag: object) -> int:
    id_ = tag.get("id") if isinstance(tag, dict) else None
    return id_ if isinstance(id_, int) else 0


def _has(ids: array[int], person: int) -> bool:
    at = bisect_left(ids, person)
    return at < len(ids) and ids[at] == person
