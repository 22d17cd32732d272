"""Reading values out of an event's JSON, and writing them as the text that Kit stores."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from math import ulp
from typing import Final, TypeAlias

from worker.errors import InvalidEvent

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Missing:
    """The type of `MISSING`: there is no such value, which is not the same as an explicit null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


class Number(str):
    """A number as people write it; it compares with other numbers as a number, and else as text."""

    __slots__ = ()


Found: TypeAlias = str | tuple[str, ...] | Missing | None
"""A value as text, or as the texts of a list; None: the event says null; MISSING: it says nothing."""


Lookup: TypeAlias = Callable[[str], Found]
"""Finds a value of an event by its name: a platform field (`mk_…`) or a path (`data.user.locale`)."""


def lookup(data: Mapping[str, Json], path: str) -> Json | Missing:
    """Return the value at a dotted path such as `user.locale`, or MISSING."""
    first, others = _keys(path)
    value = data.get(first, MISSING)
    for key in others:
        if not isinstance(value, dict):
            return MISSING
        value = value.get(key, MISSING)
    return value


@lru_cache(maxsize=4096)  # the paths of account files, which every event is asked for
def _keys(path: str) -> tuple[str, tuple[str, ...]]:
    first, *others = path.split(".")
    return first, tuple(others)


def as_found(value: Json | Missing, path: str) -> Found:
    """Return a JSON value as the text that stands for it, or as the texts of a list; blanks count as missing.

    Raises:
        InvalidEvent: An object, or a list with one in it, which no tag or custom field can hold.
    """
    if not isinstance(value, list):
        return _of_one(value, path, "an object")
    texts = (_of_one(item, path, "a list of lists or objects") for item in value)
    return tuple(text for text in texts if isinstance(text, str)) or MISSING


def as_text(value: Json | Missing, path: str) -> str | Missing | None:
    """Return a JSON value as the one text that stands for it in Kit, a list as `tea, cake`.

    Raises:
        InvalidEvent: As for `as_found`.
    """
    return joined(as_found(value, path))


def joined(found: Found) -> str | Missing | None:
    """Return what was found as one text, of which nothing tells any more whether it was a number."""
    if isinstance(found, str):
        return str(found)
    return ", ".join(found) if isinstance(found, tuple) else found


def _of_one(value: Json | Missing, path: str, otherwise: str) -> str | Missing | None:
    if value is None or isinstance(value, Missing):
        return value
    if isinstance(value, str):
        return value.strip() or MISSING
    if isinstance(value, list | dict):
        raise InvalidEvent(f"data.{path}: {otherwise} cannot become a tag or a field; send text or a number")
    if isinstance(value, bool):
        return "true" if value else "false"
    return Number(number_text(value))


# -- numbers -----------------------------------------------------------------------------------------------

_PLAIN: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_LONGEST: Final = 400
"""Characters of a number: the longest that JSON's usual numbers come to."""
_MEANT: Final = 13
"""Digits of a number that people meant, at most, where arithmetic has left something beside them."""
_LEFT: Final = 20
"""How far off, in units of the last place of a double, a few sums and products leave a number."""


def number_text(number: float) -> str:
    """Return a number as people write it: 49, 49.5, never 49.0, 1e+21 or 0.30000000000000004."""
    if isinstance(number, int):
        return str(number)
    text = f"{Decimal(repr(number if number.is_integer() else _as_meant(number))):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _as_meant(number: float) -> float:
    """Return a number without what arithmetic has left: 0.3 for the sum of 0.1 and 0.2."""
    short = float(f"{number:.{_MEANT}g}")
    return short if abs(number - short) <= _LEFT * ulp(number) else number


def number_in(text: str) -> Decimal | None:
    """Return the number that a text is, written without zeros before it, commas or an exponent; else None."""
    return Decimal(text) if len(text) <= _LONGEST and _PLAIN.fullmatch(text) else None


# -- times -------------------------------------------------------------------------------------------------


def time_text(moment: datetime) -> str:
    """Return a time as ISO 8601 in UTC, `2026-07-01T10:00:00Z`, as Kit's own dates are."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
