"""Kit's custom fields, by the admin's names for them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from worker.errors import KitRejected, KitUnavailable
from worker.kit.answers import Row
from worker.kit.lists import LISTS_LAG, NEWEST, Lists

KIND: Final = "custom_fields"
SAYS_LACKING: Final = re.compile(
    r"\b(exist|unknown|unrecogni[sz]ed|not found|no such|ignored)", re.IGNORECASE
)
"""Kit's words for a custom field that it does not have; other ones are about a value."""


class Field(NamedTuple):
    """A custom field in Kit; `key` is what subscribers' values are sent under, and made from its label."""

    id: int
    key: str


class CustomFields:
    """The custom fields of one Kit account.

    Args:
        lists: The account's.
    """

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._fields: dict[str, Field] | None = None
        self._denied_since: dict[Field, float] = {}
        self._lock = asyncio.Lock()

    def known(self, name: str) -> Field | None:
        """Return the custom field with that key or label, as far as it is known."""
        fields = self._fields or {}
        return fields.get(name) or fields.get(name.lower())

    async def listed(self) -> None:
        """Make sure that the list was read once; raises as `KitClient.call` does."""
        async with self._lock:
            if self._fields is None:
                await self._list()

    async def get(self, name: str, *, may_create: bool, since: float = NEWEST) -> Field:
        """Return the custom field with that key or label, created if need be.

        Args:
            name: Its key or label.
            may_create: Whether it may be created.
            since: When those came who want it; see `Lists.make`.

        Raises:
            KitRejected: Kit lacks it, and it may not be created.
        """
        found = self.known(name) or await self._listed_or_created(name, since, may_create=may_create)
        self._lists.met(KIND, name, found.id, name)
        return found

    async def to_clear(self, name: str, *, may_create: bool) -> Field | None:
        """Return the custom field with that key or label; None where there is none, so that it is clear.

        None is made for it, but where one may have been made a moment ago, which the list does not show yet.

        Raises:
            KitWorkerError: As `KitClient.call` raises it.
        """
        async with self._lock:
            if self._fields is None or (self.known(name) is None and self._lists.is_old(KIND)):
                await self._list()
        made_just_now = may_create and name in self._lists.known_before(KIND)
        if self.known(name) is None and not made_just_now:
            return None
        return await self.get(name, may_create=may_create)

    async def _listed_or_created(self, name: str, since: float, *, may_create: bool) -> Field:
        async with self._lock:  # so that one name is created by one call, whoever asks first
            if self._fields is None or (not may_create and self._lists.is_old(KIND)):
                await self._list()
            if found := self.known(name):
                return found
            if not may_create:
                raise KitRejected("Kit has no such custom field, and create_missing is false: make it there")
            return await self._create(name, since)

    async def _create(self, name: str, since: float) -> Field:
        answer = await self._lists.make("/v4/custom_fields", {"label": name}, since)
        created = Field(answer.id_of("custom_field"), answer.item("custom_field")["key"])
        self._fields = {**(self._fields or {}), name: created}
        return created

    async def look_again(self, sent: Mapping[str, Field], said: str) -> bool:
        """List them anew, as Kit says something about them; tell whether they are others than were sent.

        Args:
            sent: What was sent, by name. Somebody else may have looked since.
            said: Kit's words. Where they do not say that it lacks one of them, and the list is fresh, it is
                not them.

        Raises:
            KitUnavailable: Kit's list still has what Kit says it has not: whether somebody deleted the
                field, or gave it another label, only the list can tell, and it lags.
        """
        async with self._lock:
            words = frozenset(re.findall(r"\w+", said if SAYS_LACKING.search(said) else ""))
            denied = {name: field for name, field in sent.items() if field.key in words}
            if denied and self._others(denied) == denied.keys():
                return True  # somebody else has looked since
            if not denied and not self._lists.is_old(KIND):
                return bool(self._others(sent))
            await self._list()
            for name in denied.keys() - self._others(denied):
                self._wait_for_list(denied[name])
            return bool(self._others(sent))

    def _others(self, sent: Mapping[str, Field]) -> set[str]:
        """Return the names that by now mean another custom field, or none, than was sent."""
        return {name for name, field in sent.items() if self.known(name) != field}

    def _wait_for_list(self, denied: Field) -> None:
        now = self._lists.client.clock.monotonic()
        if now - self._denied_since.setdefault(denied, now) < LISTS_LAG:
            raise KitUnavailable(
                f"Kit's list still has the custom field {denied.key!r}, which Kit says it does not have"
            )

    async def _list(self) -> None:
        rows = await self._lists.read(KIND)
        self._fields, keys = by_name(rows), {row["id"]: row["key"] for row in rows}
        for meant in self._lists.followed(KIND, self._id):
            self._fields[meant.name] = Field(meant.kit_id, keys[meant.kit_id])

    def _id(self, name: str) -> int | None:
        found = self.known(name)
        return found.id if found else None


def by_name(rows: list[Row]) -> dict[str, Field]:
    """Return fields by key, label and label without case; keys win over labels, the exact over the near."""
    fields: list[tuple[Mapping[str, str], Field]] = [(row, Field(row["id"], row["key"])) for row in rows]
    names = {row["label"].lower(): field for row, field in fields}
    names |= {row["label"]: field for row, field in fields}
    return names | {field.key: field for _, field in fields}
