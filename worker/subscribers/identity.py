"""How people are told apart: by email address, in one normal form."""

from __future__ import annotations

import string
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


@lru_cache(maxsize=4096)  # most events are about somebody who has just had another
def normalize_email(text: str) -> str:
    """Return the address in the form that names a person: trimmed, ASCII letters lower-cased.

    Plus signs and dots stay, and letters beyond ASCII keep their case, because mail providers may tell
    such addresses apart. Kit compares addresses without case (Kit API reference, `POST /v4/subscribers`).

    Raises:
        ValueError: It is not an email address. The text is for people and does not repeat the address.
    """
    address = text.strip()
    try:
        # No DNS: an event must not fail because a name server is slow. `.test` is allowed, since the
        # platform's own staging data uses it; Kit decides about the rest.
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError("not an email address") from error
    return address.translate(_LOWER)


def mask_email(address: str) -> str:
    """Return an address as logs may show it: `m…@example.com`."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else "…"
