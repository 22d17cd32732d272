"""The options of an account. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo
from typing import Final, Literal

ANY: Final = "any"
NEVER: Final = "never"
"""In `address_changes`: that every event may change a person's address, or none."""


@dataclass(frozen=True, slots=True)
class Options:
    """An account's options, as the admin's guide describes them.

    Attributes:
        identity: What tells people apart: the platform's id of them, where there is one, or the address.
        address_changes: The event types that may change a known person's address; `ANY` or `NEVER` alone.
        timezone: Of dates.
        max_new_taggings_per_hour: None leaves it to `most_taggings`.
        drift: Whether what this worker gave is compared with Kit every night.
    """

    subscriber_state: Literal["active", "inactive"] = "active"
    first_name: Literal["always", "if_created"] = "always"
    create_missing: bool = True
    max_created_tags: int = 100
    identity: Literal["user_id", "email"] = "user_id"
    address_changes: tuple[str, ...] = ("user.updated", "user.email_changed")
    timezone: tzinfo = UTC
    max_new_taggings_per_hour: int | None = None
    drift: Literal["off", "nightly"] = "off"
