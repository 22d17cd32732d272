"""Kit's ids for tags and keys for custom fields: listed once, created where missing.

Kit's lists lag behind its writes, by up to 5 minutes, and its creates are idempotent by name (Kit API
reference, "Consistency" and `POST /v4/tags`). So a name that the list has is trusted, and a name that it
lacks is created, which answers with the id whether or not it existed. What somebody has renamed in Kit is
followed (`worker.kit.names`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog

from worker.errors import KitRejected, UnknownTag
from worker.kit.client import KitClient
from worker.kit.custom_fields import CustomFields, Field
from worker.kit.lists import Lists
from worker.mapping import Options
from worker.subscribers.parts import TagWish, tag_key

log = structlog.get_logger()

TAGS: Final = "tags"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag in Kit.

    Attributes:
        created: True if this call created it, so that nobody can have it yet.
    """

    id: int
    created: bool = False


class Catalog:
    """The tags and custom fields of one Kit account.

    Attributes:
        client: The way to Kit.
        options: The account's.
        lists: What Kit has, and what names meant so far.
        fields: The account's custom fields.
        created_by_placeholder: How many tags were created by placeholders so far.
    """

    def __init__(self, client: KitClient, options: Options) -> None:
        self.options = options
        self.client = client
        self.lists = Lists(client)
        self.fields = CustomFields(self.lists)
        self._account_id = 0
        self._tags: dict[str, int] | None = None
        self._followed: dict[int, str] = {}
        self.created_by_placeholder = 0
        self._created_untold = 0
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

    # -- tags -----------------------------------------------------------------------------------------

    async def tag(self, wish: TagWish) -> Tag:
        """Return the tag of that name, created if need be.

        Raises:
            UnknownTag: Kit lacks it, and the account's options forbid creating it.
        """
        key = tag_key(wish.name)
        if self._tags is not None and key in self._tags:
            found = Tag(self._tags[key])
        else:
            found = await self._listed_or_created(wish, key)
        self.lists.met(TAGS, key, found.id, wish.name)
        self._part(key, found.id)
        return found

    def _part(self, key: str, id_: int) -> None:
        """Stop following a name to a tag that the file names by another: the two are not made one."""
        follower = self._followed.get(id_, key)
        if follower != key:
            del self._followed[id_]
            self.forget_tag(follower)

    async def _listed_or_created(self, wish: TagWish, key: str) -> Tag:
        async with self._lock:  # so that one name is created by one call, whoever asks first
            if self._tags is None or self._may_have_grown():
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

    def _may_have_grown(self) -> bool:
        """Tell whether somebody may have added by hand what this worker may not create."""
        return not self.options.create_missing and self.lists.is_old(TAGS)

    async def _listed_tags(self) -> dict[str, int]:
        tags = {tag_key(row["name"]): row["id"] for row in await self.lists.read(TAGS)}
        followed = self.lists.followed(TAGS, tags.get)
        self._followed = {meant.kit_id: meant.name for meant in followed}
        return tags | {meant.name: meant.kit_id for meant in followed}

    def forget_tag(self, name: str) -> None:
        """Drop an id that Kit no longer knows; the tag is created again when it is next asked for."""
        if self._tags is not None:
            self._tags.pop(tag_key(name), None)

    def tag_id(self, name: str) -> int:
        """Return the id of a tag, by its `tag_key`, as far as it is known; 0 where it is not."""
        return (self._tags or {}).get(name, 0)

    def count_created(self, before: int) -> None:
        """Count the tags that placeholders had created before this process learned of them."""
        self.created_by_placeholder = max(self.created_by_placeholder, before)

    def take_created(self) -> int:
        """Return how many tags placeholders have created since this was last asked."""
        created, self._created_untold = self._created_untold, 0
        return created

    # -- both -----------------------------------------------------------------------------------------

    async def field(self, name: str) -> Field:
        """Return the custom field with that key or label, created if need be.

        Raises:
            KitRejected: Kit lacks it, and the account's options forbid creating it.
        """
        return await self.fields.get(name, may_create=self.options.create_missing)

    def field_id(self, name: str) -> int:
        """Return the id of a custom field, as far as it is known; 0 where it is not."""
        found = self.fields.known(name)
        return found.id if found else 0

    async def listed(self) -> None:
        """Make sure that both lists were read once; raises as `KitClient.call` does."""
        if self._tags is None:
            async with self._lock:
                self._tags = self._tags or await self._listed_tags()
        await self.fields.listed()

    async def missing(self, tags: list[TagWish], fields: list[str]) -> tuple[list[str], list[str]]:
        """Return the names of tags and of custom fields that Kit lacks, creating nothing."""
        have = await self._listed_tags()
        await self.fields.listed()
        lacking = [wish.name for wish in tags if tag_key(wish.name) not in have]
        return lacking, [name for name in fields if not self.fields.known(name)]
