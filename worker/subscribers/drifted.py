"""Where Kit has of a person something else than this worker gave: the rows of a drift's plan. Pure."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field


class DriftKind(StrEnum):
    """What is otherwise in Kit."""

    TAG_MISSING = "tag_missing"
    """We gave the tag, and Kit lacks it."""
    TAG_BACK = "tag_back"
    """We took the tag off, and Kit has it."""
    FIELD = "field"
    FIRST_NAME = "first_name"
    ADDRESS = "address"
    """Kit's subscriber of that id has another address."""
    UNSUBSCRIBED = "unsubscribed"
    """The person gets no more mail, and not because this worker was told so."""
    DELETED = "deleted"
    """Kit has no subscriber of that id."""


class DriftRow(Struct, frozen=True, order=True):
    """One difference of one person.

    Attributes:
        kind: Which; `class` where it is written down.
        name: Of the tag or the custom field, as the record has it; empty for all others.
        kit: What Kit had when it was looked at: a value, an address, a state; None where it had nothing.
    """

    kind: DriftKind = field(name="class")
    name: str = ""
    kit: str | None = None
