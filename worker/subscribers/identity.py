"""How people are told apart: by the platform's id within an app, else by email address in one normal form."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from functools import lru_cache
from hashlib import blake2b
from itertools import product
from typing import Final

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from worker.events.values import Json, as_text
from worker.outside.texts import MAX_ADDRESS


def normalize_email(text: str) -> str:
    """Return the address in the form that names a person: trimmed, NFC, lower case, its domain as in IDNA.

    `Jürgen@BÜCHER.example` and `jürgen@xn--bcher-kva.example` are one person. Plus signs and dots stay, since
    mail providers may tell such addresses apart. Kit compares addresses without case (Kit API reference,
    `POST /v4/subscribers`); it gets this form.

    Raises:
        ValueError: It is not an email address. The text is for people and does not repeat the address.
    """
    address = text.strip()
    if len(address) > MAX_ADDRESS:
        raise ValueError("not an email address")
    return _normalized(address)


@lru_cache(maxsize=4096)  # most events are about somebody who has just had another
def _normalized(address: str) -> str:
    # First, so that what is checked is what is kept.
    lowered = address.lower() if address.isascii() else _nfc(_nfc(address).lower())
    local, _, domain = lowered.rpartition("@")
    try:
        if len(lowered) <= _SHORT and domain.isascii() and _PLAIN_LOCAL.fullmatch(local):
            return f"{local}@{_normalized_domain(domain)}"
        found = _validated(lowered)
    except EmailNotValidError as error:
        raise ValueError("not an email address") from error
    return _written_out(found)


_PLAIN_LOCAL: Final = re.compile(r"[a-z0-9_+-]++(?:\.[a-z0-9_+-]++)*+")
"""Nearly all local parts: each is valid at whichever domain is, and stays as it is."""
_SHORT: Final = 64
"""Characters of an address that is shorter than every limit of its parts."""


@lru_cache(maxsize=1024)  # most people have their address at one of a few
def _normalized_domain(domain: str) -> str:
    return _written_out(_validated(f"a@{domain}")).partition("@")[2]


def _written_out(found: ValidatedEmail) -> str:
    return f"{found.local_part}@{(found.ascii_domain or found.domain).lower()}"


def _validated(address: str) -> ValidatedEmail:
    # No DNS: an event must not fail because a name server is slow. `.test` is allowed, since the
    # platform's own staging data uses it; Kit decides about the rest.
    return validate_email(address, check_deliverability=False, test_environment=True)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def spellings(address: str) -> tuple[str, ...]:
    """Return an address with its domain as machines write it, and as people do where that differs."""
    local, _, domain = address.rpartition("@")
    return tuple(f"{local}@{each}" for each in _domains(domain))


def former_spellings(address: str) -> frozenset[str]:
    """Return what the address may have been kept as by versions that left its domain, and an É, as given."""
    if address.isascii() and "xn--" not in address:  # nearly all
        return frozenset({address})
    local, _, domain = address.rpartition("@")
    capitals = "".join(letter if letter.isascii() else letter.upper() for letter in local)
    return frozenset(f"{each}@{host}" for each, host in product({local, capitals}, _domains(domain)))


def _domains(domain: str) -> tuple[str, ...]:
    if domain.isascii() and "xn--" not in domain:
        return (domain,)
    try:
        found = _validated(f"a@{domain}")
    except EmailNotValidError:
        return (domain,)
    return found.ascii_domain or domain, found.domain


def naming(address: str) -> re.Pattern[str]:
    """Return what finds an address in a text, in any case, with its domain as people or as machines write it.

    Letters beyond ASCII may be escaped as in JSON. Not within a longer address: ann@example.com is not
    joann@example.com, nor ann@example.com.au.
    """
    local, _, domain = address.rpartition("@")
    written = "|".join(_written(each) for each in _domains(domain))
    return re.compile(rf"(?<![\w.+-]){_written(_nfc(local))}@(?:{written})(?![\w-]|\.\w)", re.IGNORECASE)


def _written(text: str) -> str:
    return "".join(re.escape(letter) if letter.isascii() else _any_case(letter) for letter in text)


def _any_case(letter: str) -> str:
    """Return what finds a letter, large or small, itself or as JSON in ASCII has it."""
    forms = sorted({letter, letter.lower(), letter.upper()})
    return f"(?:{'|'.join(re.escape(each) for form in forms for each in (form, json.dumps(form)[1:-1]))})"


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


NO_HOME: Final = "*"
"""In place of the home app of an account that has several, none of which is told by its ids alone."""


def home_app(apps: Collection[str]) -> str:
    """Return the home app of a new account: its only one, or empty where it takes events without an app."""
    return NO_HOME if len(apps) > 1 else next(iter(apps), "")


def person_key(user_id: str, app: str | None, home: str) -> str:
    """Return what a person is known by: the platform's id, within its app, as the ledger keeps it.

    Args:
        user_id: As the event has it.
        app: Of the event; None where it names none, and is the home app's.
        home: The account's home app. Its ids stand by themselves, as they did before there were several.
    """
    if app in {None, home} and home != NO_HOME and _BETWEEN not in user_id:
        return id_key(user_id)
    of = home if app is None else app
    return id_key(f"{'' if of == NO_HOME else of}{_BETWEEN}{user_id}")


def shown_person(key: str) -> str:
    """Return a person's key for people: the id, and the app where that is not the account's home."""
    app, between, user_id = key.partition(_BETWEEN)
    return f"{user_id} of {app or 'no app'}" if between else key


def id_of(key: str) -> str:
    """Return the platform's id in a person's key, without its app."""
    return key.partition(_BETWEEN)[2] or key


_BETWEEN: Final = "\n"
"""Between an app, whose name has no such character, and an id."""
NO_IDS: Final = frozenset(
    {"", "0", "-1", "null", "none", "guest", "anonymous", "undefined", "unknown"}
)  # fmt: skip
"""What publishers send as the id of somebody who has none: else all of them would be one person."""


def person_in(data: Mapping[str, Json]) -> tuple[str | None, str | None]:
    """Return the address and the platform's id in an event's data, each None where there is none to read."""
    user = data.get("user")
    if not isinstance(user, dict):
        return None, None
    return address_in(user, "email"), given_id(user.get("id"))


def address_in(user: Mapping[str, Json], key: str) -> str | None:
    """Return an address in an event's `user`, as `normalize_email` writes it; None where there is none."""
    email = user.get(key)
    try:
        return normalize_email(email) if isinstance(email, str) else None
    except ValueError:
        return None


def given_id(value: Json) -> str | None:
    """Return an id that the platform gives; None where there is none, or something in its place."""
    if isinstance(value, bool | list | dict) or value in {0, -1}:
        return None
    text = as_text(value, "user.id")
    return text if isinstance(text, str) and text.lower() not in NO_IDS else None
