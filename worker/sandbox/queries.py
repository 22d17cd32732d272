"""What a query may ask for. What the sandbox does not offer is refused in words, never ignored.

A list that is not what was asked for misleads whoever reads it. Kit's own answer to a parameter that it does
not know is not published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worker.sandbox.inputs import state_input
from worker.sandbox.records import Subscriber
from worker.sandbox.refusals import InvalidError

_PAGES = ("after", "before", "include_total_count", "per_page")
_CREATED = ("created_after", "created_before")
_PEOPLE = (*_PAGES, *_CREATED, "slim", "status")

OFFERED: Mapping[str, Sequence[str]] = {
    "GET /v4/subscribers": (
        *_PEOPLE, "email_address", "include", "sort_field", "sort_order", "updated_after", "updated_before",
    ),
    "GET /v4/subscribers/{subscriber_id}/tags": _PAGES,
    "GET /v4/tags": (*_PAGES, "include"),
    "GET /v4/tags/{tag_id}/subscribers": (*_PEOPLE, "tagged_after", "tagged_before"),
    "GET /v4/custom_fields": _PAGES,
    "GET /v4/forms": (*_PAGES, "include", "status", "type"),
    "GET /v4/forms/{form_id}/subscribers": (*_PEOPLE, "added_after", "added_before"),
    "GET /v4/sequences": _PAGES,
    "GET /v4/sequences/{sequence_id}/subscribers": (*_PEOPLE, "added_after", "added_before"),
}  # fmt: skip
"""The parameters of each endpoint that has any. Kit has more: further things to include."""

_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}


def check(endpoint: str, query: Mapping[str, str]) -> None:
    """Let pass a query that asks for what is offered.

    Raises:
        InvalidError: a parameter is not offered here.
    """
    offered = OFFERED.get(endpoint, ())
    for name in query:
        if name not in offered:
            there_are = f": it has {', '.join(sorted(offered))}" if offered else ""
            raise InvalidError(f"This sandbox does not support the parameter {name} of {endpoint}{there_are}")


def flag(query: Mapping[str, str], name: str) -> bool:
    """Whether something is asked for, by `true` or `1`.

    Raises:
        InvalidError: the value says neither yes nor no.
    """
    given = _FLAGS.get(query.get(name, ""))
    if given is None:
        raise InvalidError(f"{name} is invalid: say true or false")
    return given


def choice(query: Mapping[str, str], name: str, offered: Sequence[str]) -> str | None:
    """Which of a few words a parameter says, or None where it is not given.

    Raises:
        InvalidError: it is none of them.
    """
    given = query.get(name)
    if given and given not in offered:
        raise InvalidError(
            f"{name.replace('_', ' ').capitalize()} is invalid: it is one of {', '.join(offered)}"
        )
    return given or None


def included(query: Mapping[str, str], offered: str) -> bool:
    """Whether `include`, a list with commas, asks for the one thing that is offered.

    Raises:
        InvalidError: it asks for something else.
    """
    asked = {name for name in query.get("include", "").split(",") if name}
    for name in asked - {offered}:
        raise InvalidError(f"This sandbox does not support include={name}: it has {offered}")
    return bool(asked)


def with_status(rows: Sequence[Subscriber], query: Mapping[str, str]) -> Sequence[Subscriber]:
    """Those in the state that is asked for: the active ones by default, or `all`.

    Raises:
        InvalidError: there is no such state.
    """
    status = query.get("status") or "active"
    if status == "all":
        return rows
    state_input(status)
    return [row for row in rows if row.state == status]
