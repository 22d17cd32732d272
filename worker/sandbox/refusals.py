"""What the stand-in refuses, as Kit would: each is answered as `{"errors": [text]}` with its status."""

from __future__ import annotations


class RefusalError(Exception):
    """A request that Kit turns down; `status` is the answer's HTTP status, and each text an error of it."""

    status = 422


class InvalidError(RefusalError):
    """Bad data (422)."""


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
