"""How people are told apart: by email address, in one normal form."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from email_validator import EmailNotValidError, validate_email

from worker.events.values import Json, as_text
from worker.outside.texts import MAX_ADDRESS

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def normalize_email(text: str) -> str:
    """Return the address in the form that names a person: trimmed, ASCII letters lower-cased.

    Plus signs and dots stay, and letters beyond ASCII keep their case, because mail providers may tell
    such addresses apart. Kit compares addresses without case (Kit API reference, `POST /v4/subscribers`).

    Raises:
        ValueError: It is not an email address. The text is for people and does not repeat the address.
    """
    address = text.strip()
    if len(address) > MAX_ADDRESS:
        raise ValueError("not an email address")
    return _normalized(address)


@lru_cache(maxsize=4096)  # most events are about somebody who has just had another
def _normalized(address: str) -> str:
    try:
        # No DNS: an event must not fail because a name server is slow. `.test` is allowed, since the
        # platform's own staging data uses it; Kit decides about the rest.
        validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError("not an email address") from error
    return address.translate(_LOWER)


def naming(address: str) -> re.Pattern[str]:
    """Return what finds an address in a text, in any case, with its domain as people or as machines write it.

    Not within a longer address: ann@example.com is not joann@example.com, nor ann@example.com.au.
    """
    local, _, domain = address.rpartition("@")
    forms = {domain, unicodedata.normalize("NFC", domain)}
    with suppress(UnicodeError):
        forms.add(domain.encode("idna").decode())
    with suppress(UnicodeError):
        forms.add(domain.encode().decode("idna"))
    written = "|".join(map(re.escape, sorted(forms)))
    local = re.escape(unicodedata.normalize("NFC", local))
    return re.compile(rf"(?<![\w.+-]){local}@(?:{written})(?![\w-]|\.\w)", re.IGNORECASE)


MAX_ID: Final = 255
"""Characters of an id that are kept as they are; PostgreSQL indexes no text of any length."""


def plain(text: str) -> str:
    """Return text that every database takes as it is: no NUL, no lone surrogates."""
    if "\0" not in text:
        try:
            text.encode()
        except UnicodeEncodeError:
            return ascii(text)
        return text
    return ascii(text)


def id_key(text: str) -> str:
    """Return a user's or an event's id as the ledger keeps it; a very long one is cut, and told by its hash.

    What it returned stays as it is.
    """
    text = plain(text)
    if len(text) <= MAX_ID:
        return text
    return f"{text[: MAX_ID - 33]}…{blake2b(text.encode(), digest_size=16).hexdigest()}"


def person_in(data: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """Return the address and the platform's id in an event's data, each None where there is none to read."""
    user = data.get("user")
    if not isinstance(user, dict):
        return None, None
    email, user_id = user.get("email"), user.get("id")
    try:
        address = normalize_email(email) if isinstance(email, str) else None
    except ValueError:
        address = None
    text = None if isinstance(user_id, list | dict) else as_text(user_id, "user.id")
    return address, text if isinstance(text, str) else None
