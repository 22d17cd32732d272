"""Kit's ids for tags and keys for custom fields: listed once, created where missing.

Kit's lists lag behind its writes, by up to 5 minutes, and its creates are idempotent by name (Kit API
reference, "Consistency" and `POST /v4/tags`). So a name that the list has is trusted, and a name that it
lacks is created, which answers with the id whether or not it existed. To take a tag off, none is created:
nobody has a tag that neither the list shows nor this worker has made. So that this is true after a crash,
too, the ledger knows what a new tag is called before anybody is given it. What somebody has renamed in Kit
is followed (`worker.kit.names`).
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from worker.errors import KitRejected, UnknownTag
from worker.kit.client import KitClient
from worker.kit.custom_fields import CustomFields, Field
from worker.kit.lists import NEWEST, Lists
from worker.kit.persistence import Persistence
from worker.mapping import Options
from worker.subscribers.parts import TagWish, tag_key

log = structlog.get_logger()

TAGS: Final = "tags"


class Catalog:
    """The tags and custom fields of one Kit account.

    Attributes:
        client: The way to Kit.
        options: The account's.
        lists: What Kit has, and what names meant so far.
        fields: The account's custom fields.
        persistence: Keeps what names mean.
        created_by_placeholder: How many tags were created by placeholders so far.
    """

    def __init__(self, client: KitClient, options: Options) -> None:
        self.options = options
        self.client = client
        self.lists = Lists(client)
        self.fields = CustomFields(self.lists)
        self.persistence = Persistence()
        self._account_id = 0
        self._tags: dict[str, int] | None = None
        self._followed: dict[int, str] = {}
        self._denied: set[int] = set()
        self.created_by_placeholder = 0
        self._created_untold = 0
        self._lock = asyncio.Lock()

    @property
    def known_account_id(self) -> int:
        """Kit's id of the account, if Kit has said it; else 0."""
        return self._account_id

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

    async def tag(self, wish: TagWish, since: float = NEWEST) -> int:
        """Return the id of the tag of that name, created if need be.

        Args:
            wish: Says its name.
            since: When those came who want it; see `Lists.make`.

        Raises:
            UnknownTag: Kit lacks it, and the account's options forbid creating it.
        """
        key = tag_key(wish.name)
        if self._tags is not None and key in self._tags:
            return self._met(wish, self._tags[key])
        return self._met(wish, await self._listed_or_created(wish, key, since))

    async def tag_to_remove(self, wish: TagWish) -> int | None:
        """Return the id of the tag of that name; None where there is none, so that nobody has it.

        Somebody else may have made it since the list was read, which is therefore read again when it is old.
        """
        key = tag_key(wish.name)
        async with self._lock:
            if self._tags is None or (key not in self._tags and self.lists.is_old(TAGS)):
                self._tags = await self._known_tags()
            found = self._tags.get(key) or self.lists.known_before(TAGS).get(key)
        return None if found is None else self._met(wish, found)

    async def tag_denied(self, id_: int) -> None:
        """Look at the list again, as Kit says that a tag, or whoever was to lose it, is not there."""
        async with self._lock:
            if id_ not in self._denied or self.lists.is_old(TAGS):
                self._denied.add(id_)
                self._tags = await self._known_tags()

    def _met(self, wish: TagWish, id_: int) -> int:
        key = tag_key(wish.name)
        self.lists.met(TAGS, key, id_, wish.name)
        self._part(key, id_)
        return id_

    def _part(self, key: str, id_: int) -> None:
        """Stop following a name to a tag that the file names by another: the two are not made one."""
        follower = self._followed.get(id_, key)
        if follower != key:
            del self._followed[id_]
            self.forget_tag(follower)

    async def _listed_or_created(self, wish: TagWish, key: str, since: float) -> int:
        async with self._lock:  # so that one name is created by one call, whoever asks first
            if self._tags is None or self._may_have_grown():
                self._tags = await self._known_tags()
            if key not in self._tags:
                self._tags[key] = await self._create_tag(wish, key, since)
            return self._tags[key]

    async def _create_tag(self, wish: TagWish, key: str, since: float) -> int:
        self._check_may_create(wish)
        answer = await self.lists.make("/v4/tags", {"name": wish.name}, since)
        id_ = answer.id_of("tag")
        if answer.status == 201 and wish.by_placeholder:
            self.created_by_placeholder += 1
            self._created_untold += 1
        self.lists.made(TAGS, key, id_)
        self._met(wish, id_)
        # Whoever has to take it off after a crash would not know of it: lists lag.
        await self.persistence.written()
        return id_

    def _check_may_create(self, wish: TagWish) -> None:
        if not self.options.create_missing:
            raise UnknownTag("Kit has no such tag, and create_missing is false: make it there")
        if wish.by_placeholder and self.created_by_placeholder >= self.options.max_created_tags:
            raise UnknownTag(
                f"it would be tag number {self.created_by_placeholder + 1} created by placeholders, and "
                f"max_created_tags allows {self.options.max_created_tags}: raise that, or make it in Kit"
            )

    def _may_have_grown(self) -> bool:
        """Tell whether somebody may have added by hand what this worker may not create."""
        return not self.options.create_missing and self.lists.is_old(TAGS)

    async def _known_tags(self) -> dict[str, int]:
        return {**await self._listed_tags(), **self.lists.made_lately(TAGS)}

    async def _listed_tags(self) -> dict[str, int]:
        tags = {tag_key(row["name"]): row["id"] for row in await self.lists.read(TAGS)}
        followed = self.lists.followed(TAGS, tags.get)
        self._followed = {meant.kit_id: meant.name for meant in followed}
        return tags | {meant.name: meant.kit_id for meant in followed}

    def forget_tag(self, name: str) -> None:
        """Drop an id that Kit no longer knows; the tag is created again when it is next asked for."""
        self.lists.gone(TAGS, tag_key(name))
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

    async def field(self, name: str, since: float = NEWEST) -> Field:
        """Return the custom field with that key or label, created if need be.

        Args:
            name: Its key or label.
            since: When those came who want it; see `Lists.make`.

        Raises:
            KitRejected: Kit lacks it, and the account's options forbid creating it.
        """
        return await self.fields.get(name, may_create=self.options.create_missing, since=since)

    async def field_to_clear(self, name: str) -> Field | None:
        """Return the custom field with that key or label; None where Kit lacks it, so that it is clear."""
        return await self.fields.to_clear(name, may_create=self.options.create_missing)

    def field_id(self, name: str) -> int:
        """Return the id of a custom field, as far as it is known; 0 where it is not."""
        found = self.fields.known(name)
        return found.id if found else 0

    async def listed(self) -> None:
        """Make sure that both lists were read once; raises as `KitClient.call` does."""
        if self._tags is None:
            async with self._lock:
                self._tags = self._tags or await self._known_tags()
        await self.fields.listed()

    async def missing(self, tags: list[TagWish], fields: list[str]) -> tuple[list[str], list[str]]:
        """Return the names of tags and of custom fields that Kit lacks, creating nothing."""
        have = await self._listed_tags()
        await self.fields.listed()
        lacking = [wish.name for wish in tags if tag_key(wish.name) not in have]
        return lacking, [name for name in fields if not self.fields.known(name)]
