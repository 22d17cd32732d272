"""Reading values out of an event's JSON, and writing them as the text that Kit stores."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from worker.errors import InvalidEvent

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Missing:
    """The type of `MISSING`: there is no such value, which is not the same as an explicit null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()

Found: TypeAlias = "str | Missing | None"
"""A value as text; None where the event says null; MISSING where it says nothing, or only blanks."""


def lookup(data: Mapping[str, Json], path: str) -> Json | Missing:
    """Return the value at a dotted path such as `user.locale`, or MISSING."""
    value: Json | Mapping[str, Json] = data
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return MISSING
        value = value[key]
    return value  # type: ignore[return-value]  # a Mapping inside JSON is a dict


def as_text(value: Json | Missing, path: str) -> Found:
    """Return a JSON value as the text that stands for it in Kit; blank text counts as missing.

    Raises:
        InvalidEvent: A list or an object, which no tag or custom field can hold.
    """
    if value is None or isinstance(value, Missing):
        return value
    if isinstance(value, str):
        return value.strip() or MISSING
    if isinstance(value, list | dict):
        kind = "a list" if isinstance(value, list) else "an object"
        raise InvalidEvent(f"data.{path}: {kind} cannot become a tag or a field; send text or a number")
    return json.dumps(value)


def time_text(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, `2026-07-01T10:00:00Z`, as Kit's own dates are."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
