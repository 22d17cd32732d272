"""What a Kit account holds, as immutable records."""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

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
class Form:
    """A form (`embed`) or a landing page (`hosted`)."""

    id: int
    name: str
    created_at: str
    type: str = "embed"
    archived: bool = False


@dataclass(frozen=True, slots=True)
class EmailSequence:
    """A sequence of emails."""

    id: int
    name: str
    created_at: str


class Added(NamedTuple):
    """That a subscriber was tagged, or added to a form or a sequence.

    `number` says which addition of the account it was, and `referrer` from which address they came to a form.
    """

    at: str
    number: int
    referrer: str | None = None


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber with values by custom field id, taggings by tag id, and additions by form or sequence id.

    `updated_at` is when its own values were last written: a tagging is no update (assumed).
    """

    id: int
    email_address: str
    first_name: str | None
    state: str
    created_at: str
    updated_at: str
    cancelled_at: str | None = None
    fields: Mapping[int, str] = field(default_factory=dict)
    tags: Mapping[int, Added] = field(default_factory=dict)
    added: Mapping[int, Added] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a Kit account: new subscribers and custom fields beyond its limits are refused (403).

    Kit publishes that status for subscribers only; for custom fields it is assumed.
    """

    plan_type: str = "creator"
    subscriber_limit: int = 1_000_000
    custom_field_limit: int = 1_000_000


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
