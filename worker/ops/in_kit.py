"""Whom Kit has, and what names mean there, as far as that is known. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

JUST_CREATED: Final = -1
"""Stands for Kit's id of somebody, or of a tag, that would have been created."""


@dataclass(frozen=True, slots=True)
class InKit:
    """Whom Kit has under an address.

    Attributes:
        id: Kit's; None where it has nobody.
        state: Such as `active`.
        tags: By `tag_key`, those of the person.
        fields: The ids of the account's custom fields by key and label; None where they were not read.
    """

    id: int | None = None
    state: str = ""
    tags: frozenset[str] = frozenset()
    fields: Mapping[str, int] | None = None

    def field_id(self, name: str) -> int:
        """Return the id of a custom field by its name in the account's file; 0 where Kit lacks it."""
        fields = self.fields or {}
        return fields.get(name) or fields.get(name.lower(), 0)


@dataclass(frozen=True, slots=True)
class KitIds:
    """What names in the account's file mean in Kit, as far as the ledger knows.

    Attributes:
        tags: By `tag_key`.
        fields: By name.
    """

    tags: Mapping[str, int] = field(default_factory=dict)
    fields: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SeenInKit:
    """Whom Kit has; None where that is not known.

    Attributes:
        here: Under Kit's id of the person, or else the address.
        there: Under the address that the person is to get.
    """

    here: InKit | None = None
    there: InKit | None = None


def is_nobody(seen: InKit | None) -> bool:
    """Tell whether Kit surely has nobody there."""
    return seen is not None and seen.id is None
