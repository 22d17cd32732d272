"""What can go wrong, as sentences for the person who typed the command."""

from __future__ import annotations


class ServiceError(Exception):
    """No such service could be had; the message says what to do."""


def tail(text: str, lines: int = 20) -> str:
    """Return the last lines of a log, indented, for showing below a message."""
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])
