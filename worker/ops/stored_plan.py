"""A plan as a file that somebody keeps, looks at and hands back: whoever changes it is told. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec

P = TypeVar("P")
S = TypeVar("S", bound="StoredPlan[Any]")


class NotAPlanError(ValueError):
    """It is no plan, or not as it was made; the text says why."""


class StoredPlan(msgspec.Struct, Generic[P], frozen=True, forbid_unknown_fields=True):
    """A plan as it is kept.

    Attributes:
        format: Of which command it is.
        hash: What tells it apart from every other one.
        version: Of the account's file under which it was made.
        people: Whom it is about.
    """

    format: str
    hash: str
    account: str
    version: str
    people: list[P]


class PlanHash:
    """Makes the hash of a plan, person by person."""

    def __init__(self, account: str, version: str) -> None:
        self._made = hashlib.sha256(msgspec.json.encode([account, version]))
        self._is_empty = True

    def add(self, people: Iterable[object]) -> None:
        """Let these be the next people of the plan."""
        for person in people:
            self._made.update(msgspec.json.encode(person))
            self._is_empty = False

    @property
    def value(self) -> str:
        """The hash; empty where there is nobody in the plan."""
        return "" if self._is_empty else self._made.hexdigest()[:16]


def plan_hash(account: str, version: str, people: Iterable[object]) -> str:
    """Return what tells a plan apart from every other one; empty where there is nothing to do."""
    made = PlanHash(account, version)
    made.add(people)
    return made.value


def load_plan(text: bytes, format_: str, kind: type[S]) -> S:
    """Return a plan as it was kept; whether it was changed since, `check_unchanged` tells.

    Args:
        text: What was kept.
        format_: Of which command it is to be: `kit-worker apply plan, version 1`.
        kind: What it is to hold.

    Raises:
        NotAPlanError: It is none.
    """
    try:
        stored: S = msgspec.json.decode(text, type=kind)
    except msgspec.MsgspecError as error:
        command, _, _ = format_.partition(" plan")
        raise NotAPlanError(f"this is no plan of {command}: {error}") from error
    check_unchanged(stored.format, format_)
    return stored


def check_unchanged(kept: str, made: str) -> None:
    """Raise `NotAPlanError` where what was kept, a hash, is not what is made of the plan now."""
    if kept != made:
        raise NotAPlanError("the plan was changed since it was made; make it anew")
