"""Kit's ids for tags and keys for custom fields: listed once, created where missing.

Kit's lists lag behind its writes, by up to 5 minutes, and its creates are idempotent by name (Kit API
reference, "Consistency" and `POST /v4/tags`). So a name that the list has is trusted, and a name that it
lacks is created, which answers with the id whether or not it existed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import structlog

from worker.errors import KitRejected, UnknownTag
from worker.kit.answers import Row
from worker.kit.client import KitClient
from worker.kit.lists import read_list
from worker.mapping import Options
from worker.subscribers.change import TagWish, tag_key

log = structlog.get_logger()

LIST_AGAIN_AFTER: Final = 60.0
"""Seconds after which a name that Kit lacked, and that may not be created, is looked for again."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in Kit.

    Attributes:
        created: True if this call created it, so that nobody can have it yet.
    """

    id: int
    created: bool = False


class Field(NamedTuple):
    """A custom field in Kit; `key` is what subscribers' values are sent under."""

    id: int
    key: str


class Catalog:
    """The tags and custom fields of one Kit account.

    Attributes:
        client: The way to Kit.
        options: The account's.
        created_by_placeholder: How many tags were created by placeholders so far.
    """

    def __init__(self, client: KitClient, options: Options) -> None:
        self.options = options
        self.client = client
        self._account_id = 0
        self._tags: dict[str, int] | None = None
        self._fields: dict[str, Field] | None = None
        self.created_by_placeholder = 0
        self._created_untold = 0
        self._listed_at: dict[str, float] = {}
        self._lock = asyncio.Lock()

    async def account_id(self) -> int:
        """Return Kit's id of the account behind the credential; 0 where Kit does not say.

        Raises:
            CredentialRefused, TryLater: As `KitClient.call` raises them.
        """
        if not self._account_id:  # Kit is asked again where it did not say
            try:
                self._account_id = (await self.client.get("/v4/account")).id_of("account")
            except KitRejected as error:
                log.warning("probe_rejected", problem=str(error))
        return self._account_id

    async def tag(self, wish: TagWish) -> Tag:
        """Return the tag of that name, created if need be.

        Raises:
            UnknownTag: Kit lacks it, and the account's options forbid creating it.
        """
        key = tag_key(wish.name)
        if self._tags is not None and key in self._tags:
            return Tag(self._tags[key])
        async with self._lock:  # so that one name is created by one call, whoever asks first
            if self._tags is None or self._may_have_grown("tags"):
                self._tags = await self._listed_tags()
            if key in self._tags:
                return Tag(self._tags[key])
            return await self._create_tag(wish, self._tags)

    async def _create_tag(self, wish: TagWish, tags: dict[str, int]) -> Tag:
        self._check_may_create(wish)
        answer = await self.client.call("POST", "/v4/tags", json={"name": wish.name})
        tags[tag_key(wish.name)] = id_ = answer.id_of("tag")
        created = answer.status == 201
        if created and wish.by_placeholder:
            self.created_by_placeholder += 1
            self._created_untold += 1
        return Tag(id_, created)

    def _check_may_create(self, wish: TagWish) -> None:
        if not self.options.create_missing:
            raise UnknownTag(f"the tag {wish.name!r} does not exist in Kit, and create_missing is false")
        if wish.by_placeholder and self.created_by_placeholder >= self.options.max_created_tags:
            raise UnknownTag(
                f"the tag {wish.name!r} would be number {self.created_by_placeholder + 1} created by "
                f"placeholders; max_created_tags allows {self.options.max_created_tags}"
            )

    def _may_have_grown(self, kind: str) -> bool:
        """Tell whether somebody may have added by hand what this worker may not create."""
        old = self.client.clock.monotonic() - self._listed_at[kind] >= LIST_AGAIN_AFTER
        return old and not self.options.create_missing

    def forget_tag(self, name: str) -> None:
        """Drop an id that Kit no longer knows; the tag is created again when it is next asked for."""
        if self._tags is not None:
            self._tags.pop(tag_key(name), None)

    def tag_id(self, name: str) -> int:
        """Return the id of a tag, by its `tag_key`, as far as it is known; 0 where it is not."""
        return (self._tags or {}).get(name, 0)

    def field_id(self, name: str) -> int:
        """Return the id of a custom field, as far as it is known; 0 where it is not."""
        found = _find(name, self._fields or {})
        return found.id if found else 0

    def count_created(self, before: int) -> None:
        """Count the tags that placeholders had created before this process learned of them."""
        self.created_by_placeholder = max(self.created_by_placeholder, before)

    def take_created(self) -> int:
        """Return how many tags placeholders have created since this was last asked."""
        created, self._created_untold = self._created_untold, 0
        return created

    async def listed(self) -> None:
        """Make sure that both lists were read once; raises as `KitClient.call` does."""
        if self._tags is not None and self._fields is not None:
            return
        async with self._lock:
            if self._tags is None:
                self._tags = await self._listed_tags()
            if self._fields is None:
                self._fields = _by_name(await self._list("custom_fields"))

    async def _listed_tags(self) -> dict[str, int]:
        return {tag_key(tag["name"]): tag["id"] for tag in await self._list("tags")}

    async def field(self, name: str) -> Field:
        """Return the custom field with that key or label, created if need be.

        Raises:
            KitRejected: Kit lacks it, and the account's options forbid creating it.
        """
        if self._fields is not None and (found := _find(name, self._fields)):
            return found
        async with self._lock:
            if self._fields is None or self._may_have_grown("custom_fields"):
                self._fields = _by_name(await self._list("custom_fields"))
            return _find(name, self._fields) or await self._create_field(name, self._fields)

    async def _create_field(self, name: str, fields: dict[str, Field]) -> Field:
        if not self.options.create_missing:
            raise KitRejected(f"the custom field {name!r} does not exist in Kit, and create_missing is false")
        answer = await self.client.call("POST", "/v4/custom_fields", json={"label": name})
        key = answer.item("custom_field")["key"]
        fields[name] = field = Field(answer.id_of("custom_field"), key)
        return field

    def forget_field(self, key: str) -> None:
        """Drop a custom field that Kit no longer has."""
        if self._fields is not None:
            self._fields = {name: known for name, known in self._fields.items() if known.key != key}

    async def missing(self, tags: list[TagWish], fields: list[str]) -> tuple[list[str], list[str]]:
        """Return the names of tags and of custom fields that Kit lacks, creating nothing."""
        have = {tag_key(tag["name"]) for tag in await self._list("tags")}
        keys = _by_name(await self._list("custom_fields"))
        lacking = [wish.name for wish in tags if tag_key(wish.name) not in have]
        return lacking, [name for name in fields if not _find(name, keys)]

    async def _list(self, kind: str) -> list[Row]:
        self._listed_at[kind] = self.client.clock.monotonic()
        return await read_list(self.client, kind)


def _by_name(items: list[Row]) -> dict[str, Field]:
    """Return fields by key, label and label without case; keys win over labels, the exact over the near."""
    fields = [(item, Field(item["id"], item["key"])) for item in items]
    names = {item["label"].lower(): field for item, field in fields}
    names |= {item["label"]: field for item, field in fields}
    return names | {field.key: field for _, field in fields}


def _find(name: str, fields: Mapping[str, Field]) -> Field | None:
    return fields.get(name) or fields.get(name.lower())
