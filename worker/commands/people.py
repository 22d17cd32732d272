"""Which person a command is about."""

from __future__ import annotations

from worker.commands.exits import UsageError
from worker.subscribers.identity import normalize_email


def an_address(text: str) -> str:
    """Return an address as the ledger keeps it.

    Raises:
        UsageError: It is none.
    """
    try:
        return normalize_email(text)
    except ValueError as error:
        raise UsageError(f"{text} is {error}") from error
