"""What a Kit account holds, as immutable records."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

STATES = frozenset({"active", "inactive", "cancelled", "bounced", "complained"})

_EMAIL = re.compile(r"[^\s@,;<>()]+@[^\s@,;<>().]+(?:\.[^\s@,;<>().]+)+")
_NOT_IN_KEYS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag; two names that differ in case only are the same tag (Kit API reference)."""

    id: int
    name: str
    created_at: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field; subscribers' values are keyed by `key`."""

    id: int
    name: str
    key: str
    label: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber with values by custom field id and the time of tagging by tag id."""

    id: int
    email_address: str
    first_name: str | None
    state: str
    created_at: str
    fields: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a Kit account; `subscriber_limit` is enforced on new subscribers (403)."""

    plan_type: str = "creator"
    subscriber_limit: int = 1_000_000


def timestamp(now: float) -> str:
    """A time in seconds since the epoch as Kit writes it: ISO 8601 in UTC, whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))


def is_email(text: object) -> bool:
    """Whether Kit would take this for an email address.

    Kit's own rule is not published; this one asks for a local part, one @ and a domain with a dot.
    """
    return isinstance(text, str) and len(text) <= 254 and _EMAIL.fullmatch(text) is not None


def field_key(label: str) -> str:
    """The key of a custom field: its label in ASCII, lower case, with underscores (Kit API reference)."""
    ascii_label = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode()
    return _NOT_IN_KEYS.sub("_", ascii_label.lower()).strip("_")
