"""What the stand-in refuses, as Kit would: each is answered as `{"errors": [text]}` with its status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


class RefusalError(Exception):
    """A request that Kit turns down; `status` is the answer's HTTP status, and each text an error of it."""

    status = 422


class InvalidError(RefusalError):
    """Bad data (422)."""


@dataclass(slots=True)
class Unwanted:
    """Texts that an account does not take, since Kit's own rules are not published.

    Attributes:
        texts: Not taken as a tag's name, as a custom field's label or value, nor as a first name.
        named: whether the error says which custom field of a subscriber it is about.
    """

    texts: frozenset[str] = frozenset()
    named: bool = False

    def check(self, text: str | None, what: str) -> None:
        """Raise `InvalidError` where that text is not taken."""
        if text in self.texts:
            raise InvalidError(f"{what} is invalid")

    def check_values(self, first_name: str | None, fields: Mapping[str, str | None]) -> None:
        """The same for all texts of a subscriber."""
        self.check(first_name, "First name")
        for key, value in fields.items():
            self.check(value, f"Custom field {key}" if self.named else "A value")


class NotFoundError(RefusalError):
    """Something the request names does not exist (404, `Not Found`, and what there is to say of it)."""

    status = 404

    def __init__(self, *more: str) -> None:
        super().__init__("Not Found", *more)


class QueueFullError(RefusalError):
    """Too much bulk data waits to be processed (413)."""

    status = 413

    def __init__(self) -> None:
        super().__init__(
            "This request exceeds your queued bulk requests limit. "
            "Please wait while we process your existing requests and try again later."
        )


class ForbiddenError(RefusalError):
    """Not allowed for this account (403), such as a new subscriber beyond the plan's limit."""

    status = 403


INVALID_TOKEN = "The access token is invalid"  # noqa: S105  # Kit's words
EXPIRED_TOKEN = "The access token expired"  # noqa: S105  # likewise
NO_CREDENTIAL = "Authentication Failed"


class UnauthorizedError(RefusalError):
    """No credential, or one that is not accepted here (401).

    Kit says `Authentication Failed` where there is none. What it says of an API key that is not good, and of
    one that is sent to an OAuth-only endpoint, is not published; its own description has one text for all.
    """

    status = 401

    def __init__(self, text: str = INVALID_TOKEN) -> None:
        super().__init__(text)
