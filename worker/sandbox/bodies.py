"""Bodies of requests: JSON, or a form."""

from __future__ import annotations

import json
from typing import NamedTuple
from urllib.parse import parse_qsl

from worker.sandbox.refusals import InvalidError

FORM = "application/x-www-form-urlencoded"


class UnreadableError(InvalidError):
    """The body is not JSON (400; Kit's own answer to this is not published)."""

    status = 400


class Unparsed(NamedTuple):
    """What a request brings besides method and path, and when it came (Unix seconds)."""

    now: float
    query: str = ""
    body: bytes = b""
    content_type: str = ""

    @property
    def is_form(self) -> bool:
        """Whether the body says of itself that it is a form."""
        return self.content_type.startswith(FORM)

    def parameters(self) -> dict[str, str]:
        """The query; of what is given twice the last."""
        return dict(parse_qsl(self.query)) if self.query else {}

    def parse(self) -> dict[str, object]:
        """The body; an empty one is an empty object.

        Raises:
            UnreadableError: it is neither a form nor a JSON object.
        """
        if not self.body:
            return {}
        if self.is_form:  # also how Kit's own examples send the body of a DELETE
            return dict(parse_qsl(self.body.decode(errors="replace")))
        try:
            body = json.loads(self.body)
        except ValueError:
            raise UnreadableError("The request body is not valid JSON") from None
        if body == []:  # as Kit's own libraries say that there is no data
            return {}
        if not isinstance(body, dict):
            raise UnreadableError("The request body is not a JSON object")
        return body
