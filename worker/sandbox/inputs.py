"""Request bodies, checked: from JSON of any shape to what the account's operations take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.sandbox.records import STATES, is_email
from worker.sandbox.refusals import InvalidError

MAX_FIELDS = 140


@dataclass(frozen=True, slots=True)
class SubscriberInput:
    """The body of an upsert or an update. A first name of None may be given (null) or missing."""

    email_address: str
    first_name: str | None = None
    has_first_name: bool = False
    state: str | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)


def subscriber_input(body: Mapping[str, object]) -> SubscriberInput:
    """The checked body of an upsert or an update.

    Raises:
        InvalidError: the address, the state or the fields are not acceptable.
    """
    return SubscriberInput(
        email_address=email_input(body),
        first_name=_text_or_null(body.get("first_name"), "First name"),
        has_first_name="first_name" in body,
        state=state_input(body.get("state")),
        fields=_fields_input(body.get("fields")),
    )


def email_input(body: Mapping[str, object]) -> str:
    """The body's `email_address`.

    Raises:
        InvalidError: it is missing or no email address.
    """
    email = body.get("email_address")
    if isinstance(email, str) and is_email(email):
        return email
    raise InvalidError("Email address is invalid")


def emails_input(query: Mapping[str, str]) -> frozenset[str]:
    """The addresses that a list is asked for, in lower case: one, or several with commas between them.

    How many Kit takes is not published.

    Raises:
        InvalidError: one of them is no email address.
    """
    given = query["email_address"].split(",")
    return frozenset(email_input({"email_address": each.strip()}).lower() for each in given)


def state_input(state: object) -> str | None:
    """A state a subscriber can be in, or None where none is given.

    Raises:
        InvalidError: there is no such state (Kit answers a 4xx; its text is not published).
    """
    if state is None or (isinstance(state, str) and state in STATES):
        return state
    raise InvalidError("State is invalid")


def text_input(body: Mapping[str, object], name: str) -> str:
    """A text of the body, empty where it is missing or null: the operations refuse blank ones.

    Raises:
        InvalidError: it is neither a text nor a number.
    """
    return _text_or_null(body.get(name), name.capitalize()) or ""


def id_input(body: Mapping[str, object], name: str) -> int:
    """An id of the body; 0, which is nobody's, where it is missing or no number."""
    match body.get(name):
        case bool():
            return 0
        case int(number):
            return number
        case str(text) if text.isdecimal():
            return int(text)
    return 0


def _fields_input(fields: object) -> Mapping[str, str | None]:
    if fields is None:
        return {}
    if not isinstance(fields, dict):
        raise InvalidError("Fields is invalid")
    if len(fields) > MAX_FIELDS:  # the limit is Kit's; its text is not published
        raise InvalidError(f"Fields can have at most {MAX_FIELDS} entries")
    return {str(key): _text_or_null(value, f"Custom field {key}") for key, value in fields.items()}


def _text_or_null(value: object, what: str) -> str | None:
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
    raise InvalidError(f"{what} is invalid")
