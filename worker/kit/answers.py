"""What Kit's answer to a call means: a value, or an error classed by its remedy. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from worker.errors import CredentialRefused, KitRejected, KitUnavailable, RateLimited

MAX_DETAIL = 300
GATEWAY_GAVE_UP = frozenset({502, 504})
"""Said by what stands before Kit, where Kit gave it no proper answer (RFC 9110, 15.6.3 and 15.6.5)."""
MAX_KIT_ID = 2**63
"""A greater id is not Kit's, and fits into no database."""


@dataclass(frozen=True, slots=True)
class Answer:
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
            raise self._incomplete(repr(kind))
        return value

    def id_of(self, kind: str) -> int:
        """Return the id of the object under that key; raises as `item` does."""
        value = self.item(kind).get("id")
        if not isinstance(value, int) or not 0 < value < MAX_KIT_ID:
            raise self._incomplete(f"the id of {kind!r}")
        return value

    def items(self, kind: str, needs: Collection[str] = ()) -> list[Mapping[str, Any]]:
        """Return the list under that key, each item of which has what it needs; raises as `item` does."""
        value = self.body.get(kind)
        if not isinstance(value, list):
            raise self._incomplete(f"the list {kind!r}")
        if not all(isinstance(item, dict) and item.keys() >= set(needs) for item in value):
            raise self._incomplete(f"{' and '.join(needs)} in {kind!r}")
        return value

    def _incomplete(self, what: str) -> KitUnavailable:
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
        KitRejected: Any other 4xx; the text gives Kit's own words.
        KitUnavailable: 5xx, a redirect, a 4xx that is a page of HTML, as firewalls send them, or a success
            whose body is not what Kit sends: whether the call was applied is unknown, so it is repeated.
    """
    if status == 204:
        return Answer(status, {}, call)
    if 200 <= status < 300:
        return Answer(status, _object(call, status, body), call)
    if status == 401:
        raise CredentialRefused(f"Kit refused the credential (401): {_words(body)}")
    if status in {413, 429}:
        raise RateLimited(f"Kit asks to slow down ({status})")
    if body.lstrip()[:1] == b"<" and status not in GATEWAY_GAVE_UP:
        raise KitUnavailable(f"{call}: {status} with a page of HTML, which is not Kit's")
    if status == 404:
        raise NotFound(f"{call}: Kit answered 404: {_words(body)}")
    if 400 <= status < 500 and status != 408:
        error = KitRejected(f"{call}: Kit answered {status}: {_words(body)}")
        error.status = status
        raise error
    text = f"{call}: Kit answered {status}"
    raise unanswered(text) if status in GATEWAY_GAVE_UP else KitUnavailable(text)


def unanswered(text: str) -> KitUnavailable:
    """Return the error of a call to which Kit itself said nothing, so that it may still be under way."""
    error = KitUnavailable(text)
    error.unanswered = True
    return error


def _object(call: str, status: int, body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        # A proxy's HTML page, or a body cut short: neither is Kit saying that it is done.
        raise KitUnavailable(f"{call}: Kit answered {status} with a body that is not JSON") from error
    if not isinstance(value, dict):
        raise KitUnavailable(f"{call}: Kit answered {status} with JSON that is not an object")
    return value


def _words(body: bytes) -> str:
    """Return Kit's own explanation, `{"errors": [...]}`, as one line without control characters."""
    try:
        value = json.loads(body)
        errors = value.get("errors") if isinstance(value, dict) else None
    except (ValueError, RecursionError):
        errors = None
    text = "; ".join(str(error) for error in errors) if isinstance(errors, list) else "no explanation"
    return "".join(letter if letter.isprintable() else " " for letter in text)[:MAX_DETAIL]
