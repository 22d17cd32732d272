"""What people mean: events in their order, and who should have which tags and fields in the end.

A case says it once; `run.py` publishes it in many orders, each about people of its own. Times are seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Event = Mapping[str, Any]
MEMBER: Final = frozenset({"Active Member"})
CANCELLED: Final = frozenset({"Cancelled"})
NOTHING: Final = frozenset[str]()
STATUS: Final = "mk_subscription_status"
PLAN: Final = "mk_subscription_plan"


@dataclass(frozen=True)
class In:
    """A moment so many seconds after events are published."""

    seconds: float


@dataclass(frozen=True)
class Right:
    """What is right of a person.

    Attributes:
        tags: All of them.
        fields: Those that are told, by key; None where there must be none.
        state: In Kit.
    """

    tags: frozenset[str] = NOTHING
    fields: Mapping[str, str | None] = field(default_factory=dict)
    state: str = "active"


@dataclass(frozen=True)
class Case:
    """Some events of a few people.

    Attributes:
        name: Of the table of right values, with a word behind it where it is a sibling.
        events: In their order.
        right: By address, everybody whom there should be.
        file: The rest of the account's file.
        dead: By the number of an event, the reason why it is a dead letter, in whatever order they come.
        one_of: True where exactly one event is applied, whichever comes first; the others are conflicts.
        apps: The apps of its account, where an event may name one.
        had: By address, tags that somebody has by hand before.
        tags: In the account before.
        refuses: A label for which Kit makes no custom field.
        never: Tags that must not be made.
        moves: How often an address changes; the worker holds more than twenty in an hour.
        or_conflict: True where events in another order may be conflicts, of which nothing is applied.
        until_then: Tags that somebody may have besides, until these are replayed.
        before: What is right until the moments that lie ahead.
    """

    name: str
    events: Sequence[Event]
    right: Mapping[str, Right]
    file: str = ""
    dead: Mapping[int, str] = field(default_factory=dict)
    one_of: bool = False
    apps: tuple[str, ...] = ()
    had: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tags: Sequence[str] = ()
    refuses: str = ""
    never: frozenset[str] = NOTHING
    moves: int = 0
    or_conflict: bool = False
    until_then: frozenset[str] = NOTHING
    before: Mapping[str, Right] = field(default_factory=dict)


def happened(  # what an event says
    kind: str,
    at: int,
    name: str,
    user: object = None,
    app: str = "",
    person: Mapping[str, object] | None = None,
    **data: object,
) -> Event:
    """Return an event of a person, who has this id unless it is None, and more that `person` says."""
    who: dict[str, object] = {"email": name if "@" in name else f"{name}@example.com"}
    who |= {} if user is None else {"id": user}
    return {"type": kind, "at": at, "app": app, "data": {"user": {**who, **(person or {})}, **data}}


def started(
    at: int, name: str, sub: str | None = None, plan: str | None = None, user: object = "u1", **more: object
) -> Event:
    """Return a subscription.started."""
    return happened("subscription.started", at, name, user, subscription=_subscription(sub, plan, more))


def canceled(
    at: int, name: str, sub: str | None = None, plan: str | None = None, user: object = "u1", **more: object
) -> Event:
    """Return a subscription.canceled."""
    return happened("subscription.canceled", at, name, user, subscription=_subscription(sub, plan, more))


def _subscription(sub: str | None, plan: str | None, more: Mapping[str, object]) -> dict[str, object]:
    given = {"id": sub, "plan": plan, **more}
    return {name: value for name, value in given.items() if value is not None}


def paid(at: int, name: str, user: object = None, **order: object) -> Event:
    """Return an order.paid."""
    return happened("order.paid", at, name, user, order=order)


def only(tags: frozenset[str] | set[str] = NOTHING, state: str = "active", **fields: str | None) -> Right:
    """Return what is right of a person."""
    return Right(frozenset(tags), fields, state)


def ada(right: Right) -> dict[str, Right]:
    """Return that there is Ada alone, and what is right of her."""
    return {"ada@example.com": right}


def active(plan: str | None = None) -> Right:
    """Return a member, by the default file."""
    return Right(MEMBER, {STATUS: "active"} | ({} if plan is None else {PLAN: plan}))


def gone() -> Right:
    """Return a former member, by the default file."""
    return Right(CANCELLED, {STATUS: "canceled"})


TWO: Final = [started(1, "ada", "s1", "Club"), started(2, "ada", "s2", "Bakery")]


def granted(at: int, name: str, level: str | None, expires: object = None) -> Event:
    """Return an access.granted."""
    given = {"level": level, "expires_at": expires}
    return happened(
        "access.granted",
        at,
        name,
        "u1",
        access={key: value for key, value in given.items() if value is not None},
    )
