"""What Kit's answer to a call means: a value, or an error classed by its remedy. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct

from worker.errors import (
    CredentialRefused,
    KitPlanFull,
    KitRejected,
    KitUnavailable,
    NoMoreSubscribers,
    RateLimited,
)
from worker.outside.texts import line

MAX_DETAIL = 300
MOST = 10
"""Explanations; Kit gives one or two."""
GATEWAY_GAVE_UP = frozenset({502, 504})
"""Said by what stands before Kit, where Kit gave it no proper answer (RFC 9110, 15.6.3 and 15.6.5)."""
MAX_KIT_ID = 2**63
"""A greater id is not Kit's, and fits into no database."""

Row = Mapping[str, Any]
ANYTHING: Final[Mapping[str, Callable[[object], bool]]] = MappingProxyType({})


def is_kit_id(value: object) -> bool:
    """Tell whether that is an id as Kit has them: a whole number, and no text."""
    return type(value) is int and 0 < value < MAX_KIT_ID


def is_text(value: object) -> bool:
    """Tell whether that is a text, which may be empty."""
    return isinstance(value, str)


class Answer(Struct, frozen=True):
    """A 2xx answer.

    Attributes:
        status: Kit's status; 201 means created, 200 that it existed.
        body: The JSON object; empty for 204.
        endpoint: What was called, such as `POST /v4/tags`.
    """

    status: int
    body: Mapping[str, Any]
    endpoint: str = ""

    def item(self, kind: str) -> Mapping[str, Any]:
        """Return the object under that key.

        Raises:
            KitUnavailable: There is none, so this is not Kit's own answer.
        """
        value = self.body.get(kind)
        if not isinstance(value, dict):
            raise self.lacking(repr(kind))
        return value

    def id_of(self, kind: str) -> int:
        """Return the id of the object under that key; raises as `item` does."""
        value = self.item(kind).get("id")
        if not (isinstance(value, int) and is_kit_id(value)):
            raise self.lacking(f"the id of {kind!r}")
        return value

    def items(self, kind: str, needs: Mapping[str, Callable[[object], bool]] = ANYTHING) -> list[Row]:
        """Return the list under that key, each item of which has what it needs; raises as `item` does."""
        value = self.body.get(kind)
        if not isinstance(value, list):
            raise self.lacking(f"the list {kind!r}")
        for item in value:
            if not (isinstance(item, dict) and all(is_one(item.get(name)) for name, is_one in needs.items())):
                raise self.lacking(f"{' and '.join(needs)} in {kind!r}")
        return value

    def lacking(self, what: str) -> KitUnavailable:
        """Return the error of an answer that cannot be Kit's own, for want of something."""
        error = KitUnavailable(f"{self.endpoint}: Kit answered {self.status} without {what}")
        error.endpoint = self.endpoint
        return error

    @property
    def warnings(self) -> tuple[str, ...]:
        """Custom fields that Kit does not have and ignored, in Kit's words."""
        warnings = self.body.get("warnings")
        return tuple(str(warning) for warning in warnings) if isinstance(warnings, list) else ()


class NotFound(KitRejected):
    """Kit says 404: the subscriber, tag or path in the call is not there."""


def read_answer(call: str, status: int, body: bytes) -> Answer:
    """Return what a call answered.

    Args:
        call: The endpoint as messages name it, such as `POST /v4/tags`; it holds no ids and no addresses.
        status: The HTTP status.
        body: The body, complete.

    Raises:
        CredentialRefused: 401.
        RateLimited: 429, or 413 for too much queued bulk data.
        NotFound: 404.
        KitPlanFull: 402, 403, or a 422 that speaks of it, to what would add to the account.
        KitRejected: Any other 4xx; the text gives Kit's own words.
        KitUnavailable: 5xx, a redirect, a 4xx that is a page of HTML, as firewalls send them, or a success
            whose body is not what Kit sends (`SHAPES`): whether the call was applied is unknown, so it is
            repeated, and the endpoint does not count as one that works.
    """
    if status == 204:
        return Answer(status, {}, call)
    if 200 <= status < 300:
        answer = Answer(status, _object(call, status, body), call)
        SHAPES.get(call, _unchecked)(answer)
        return answer
    if status == 401:
        raise CredentialRefused(f"Kit refused the credential (401): {_words(body)}")
    if status in {413, 429}:
        raise RateLimited(f"Kit asks to slow down ({status})")
    if body.lstrip()[:1] == b"<" and status not in GATEWAY_GAVE_UP:
        raise KitUnavailable(f"{call}: {status} with a page of HTML, which is not Kit's")
    if status == 404:
        raise NotFound(f"{call}: Kit answered 404: {_words(body)}")
    if 400 <= status < 500 and status != 408:
        raise _rejected(call, status, _words(body))
    text = f"{call}: Kit answered {status}"
    raise unanswered(text) if status in GATEWAY_GAVE_UP else KitUnavailable(text)


ADDS: Final[Mapping[str, tuple[type[KitPlanFull], str]]] = {
    "POST /v4/subscribers": (NoMoreSubscribers, "subscribers"),
    "POST /v4/bulk/subscribers": (NoMoreSubscribers, "subscribers"),
    "POST /v4/custom_fields": (KitPlanFull, "custom fields"),
}
"""What the calls add of which a plan may allow only so many."""

_OF_A_PLAN: Final = re.compile(
    r"\b(subscriber|custom field)s? limit\b|\blimit (of|on|for) (your |the )?(subscriber|custom field)s?\b"
    r"|\bupgrade (your|the|to)\b|\byour plan\b",
    re.IGNORECASE,
)


def _rejected(call: str, status: int, words: str) -> KitRejected:
    """Return the error of a refusal.

    Beyond 403 for subscribers it is not published how Kit says that a plan is full (Kit API reference,
    "Errors"), so that 402, and a 422 whose words are about it, are taken for that, too.
    """
    said = f"{call}: Kit answered {status}: {words}"
    error = KitRejected(said)
    if call in ADDS and (status in {402, 403} or (status == 422 and _OF_A_PLAN.search(words))):
        kind, what = ADDS[call]
        remedy = "upgrade it, or delete some there, then replay this dead letter"
        error = kind(f"Kit's plan takes no more {what}: {remedy} ({said})")
    error.status = status
    return error


LISTED: Final[Mapping[str, Mapping[str, Callable[[object], bool]]]] = {
    "tags": {"id": is_kit_id, "name": is_text},
    "custom_fields": {"id": is_kit_id, "key": is_text, "label": is_text},
}
"""What each row of a list must have, or it is not Kit's."""

_OF_SUBSCRIBERS: Final = {"id": is_kit_id, "email_address": is_text}
_OF_VALUES: Final = {"subscriber_id": is_kit_id, "subscriber_custom_field_id": is_kit_id}


def _new_field(answer: Answer) -> None:
    answer.id_of("custom_field")
    if not is_text(answer.item("custom_field").get("key")):
        raise answer.lacking("the key of 'custom_field'")


def _tagged_together(answer: Answer) -> None:
    answer.items("failures")
    if "subscribers" in answer.body:  # which a call that takes tags off does not answer
        answer.items("subscribers", {"id": is_kit_id})


def _unchecked(_: Answer) -> None:
    """Take an answer as it is."""


SHAPES: Final[Mapping[str, Callable[[Answer], object]]] = {
    "GET /v4/account": lambda answer: answer.id_of("account"),
    "POST /v4/subscribers": lambda answer: answer.id_of("subscriber"),
    "GET /v4/subscribers": lambda answer: answer.items("subscribers", _OF_SUBSCRIBERS),
    "GET /v4/subscribers/{}": lambda answer: answer.id_of("subscriber"),
    "PUT /v4/subscribers/{}": lambda answer: answer.id_of("subscriber"),
    "GET /v4/tags": lambda answer: answer.items("tags", LISTED["tags"]),
    "POST /v4/tags": lambda answer: answer.id_of("tag"),
    "POST /v4/tags/{}/subscribers/{}": lambda answer: answer.id_of("subscriber"),
    "GET /v4/custom_fields": lambda answer: answer.items("custom_fields", LISTED["custom_fields"]),
    "POST /v4/custom_fields": _new_field,
    "POST /v4/bulk/subscribers": lambda answer: (
        answer.items("failures"),
        answer.items("subscribers", _OF_SUBSCRIBERS),
    ),
    "POST /v4/bulk/custom_fields/subscribers": lambda answer: (
        answer.items("failures"),
        answer.items("custom_field_values", _OF_VALUES),
    ),
    "POST /v4/bulk/tags/subscribers": _tagged_together,
    "DELETE /v4/bulk/tags/subscribers": _tagged_together,
}
"""What a success of each endpoint must hold (Kit API reference), or it is not Kit's own answer."""


def unanswered(text: str) -> KitUnavailable:
    """Return the error of a call to which Kit itself said nothing, so that it may still be under way."""
    error = KitUnavailable(text)
    error.unanswered = True
    return error


def _object(call: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        value = _loaded(body)
    except (ValueError, RecursionError) as error:
        # A proxy's HTML page, or a body cut short: neither is Kit saying that it is done.
        raise KitUnavailable(f"{call}: Kit answered {status} with a body that is not JSON") from error
    if not isinstance(value, dict):
        raise KitUnavailable(f"{call}: Kit answered {status} with JSON that is not an object")
    return value


def _loaded(body: bytes) -> Any:  # noqa: ANN401  # whatever JSON there is
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):  # half of a surrogate pair, perhaps, in somebody's name
        return json.loads(body)


def _words(body: bytes) -> str:
    """Return Kit's own explanation, `{"errors": [...]}`, as one line."""
    try:
        value = _loaded(body)
        errors = value.get("errors") if isinstance(value, dict) else None
    except (ValueError, RecursionError):
        errors = None
    text = "; ".join(str(error) for error in errors[:MOST]) if isinstance(errors, list) else "no explanation"
    return line(text, MAX_DETAIL)
