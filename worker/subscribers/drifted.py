"""Where Kit has of a person something else than this worker gave: the rows of a drift's plan. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from worker.events.event import OrderKey

NO_MORE_MAIL: Final = frozenset({"cancelled", "bounced", "complained"})
"""States in which Kit sends somebody nothing (Kit API reference, `POST /v4/subscribers`)."""


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


class DriftRow(Struct, frozen=True):
    """One difference of one person.

    Attributes:
        kind: Which; `class` where it is written down.
        name: Of the tag or the custom field, as the record has it; empty for all others.
        kit: What Kit had when it was looked at: a value, an address, a state; None where it had nothing.
    """

    kind: DriftKind = field(name="class")
    name: str = ""
    kit: str | None = None

    @property
    def told(self) -> str:
        """What it is about, for people."""
        match self.kind:
            case DriftKind.TAG_MISSING | DriftKind.TAG_BACK:
                return f"tag {self.name!r}"
            case DriftKind.FIELD:
                return f"custom field {self.name!r}"
            case DriftKind.FIRST_NAME:
                return "first name"
            case DriftKind.ADDRESS:
                return "email address"
        return self.kind.value


class Remedy(Struct, frozen=True):
    """What somebody asks to be done about a difference.

    Attributes:
        planned: When the difference was seen: what events say since then, or Kit was told, stands.
        adopts: True where the ledger is to take Kit's word; else Kit is to have again what was given.
    """

    row: DriftRow
    planned: OrderKey
    adopts: bool = False


def told_rows(rows: Iterable[DriftRow]) -> str:
    """Return what differences are about, for people, in one line."""
    return ", ".join(row.told for row in rows)


def in_order(remedies: Iterable[Remedy]) -> list[Remedy]:
    """Return them in an order that is always the same, a new address first."""
    return sorted(remedies, key=lambda each: (each.row.kind, each.row.name, each.row.kit or "", each.adopts))
