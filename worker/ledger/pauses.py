"""That an account is paused, and what of its row says so."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Update, false, func, update

from worker.ledger.schema import accounts


@dataclass(frozen=True, slots=True)
class Pause:
    """That an account is paused.

    Attributes:
        since: In seconds since 1970, by the ledger's clock.
        until: When it goes on by itself, likewise; None where somebody has to say so.
        why: For people; empty where nobody said so.
    """

    since: float
    until: float | None = None
    why: str = ""


def goes(now: float) -> ColumnElement[bool]:
    """Return the condition for accounts that are not paused, or not any more."""
    return accounts.c.paused_at.is_(None) | func.coalesce(accounts.c.paused_until <= now, false())


def going_on() -> Update:
    """Update accounts so that none of them is paused any more."""
    return update(accounts).values(paused_at=None, paused_until=None, paused_why=None)
