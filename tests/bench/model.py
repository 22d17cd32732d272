"""What Kit should say of people after their events: of each tag and field, the latest by time. Pure.

The default mapping is written down here once more, apart from the worker's own, for the model and the plain
consumer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tests.bench.life import CANCELED, GRANTED, LEVELS, STARTED, Data, Event

MEMBER: Final = "Active Member"
CANCELLED: Final = "Cancelled"
TAGS: Final = (MEMBER, CANCELLED, *(f"{level} access" for level in LEVELS))

FIELDS: Final = {
    "mk_user_id": ("user", "id"),
    "mk_last_name": ("user", "last_name"),
    "mk_signed_up_at": ("user", "signed_up_at"),
    "mk_subscription_id": ("subscription", "id"),
    "mk_subscription_plan": ("subscription", "plan"),
    "mk_subscription_status": ("subscription", "status"),
    "mk_subscription_started_at": ("subscription", "started_at"),
    "mk_subscription_canceled_at": ("subscription", "canceled_at"),
    "mk_subscription_ends_at": ("subscription", "ends_at"),
    "mk_cancel_reason": ("subscription", "cancel_reason"),
    "mk_access_level": ("access", "level"),
    "mk_access_granted_at": ("access", "granted_at"),
    "mk_access_expires_at": ("access", "expires_at"),
}
"""Kit's custom fields, and where an event has the value."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """What an account's file sends beside tags.

    Attributes:
        fields: Of `FIELDS`, those that go to Kit.
        first_name: Whether Kit's own first name is set.
    """

    fields: tuple[str, ...]
    first_name: bool


EVERYTHING: Final = Mapped(tuple(FIELDS), first_name=True)
"""The default: up to 7 custom fields and the first name an event."""
LEAN: Final = Mapped(("mk_subscription_plan", "mk_access_level"), first_name=False)
"""A creator who only wants to know the plan and the level: at most one custom field an event."""


ENDING: Final = ("mk_subscription_canceled_at", "mk_subscription_ends_at", "mk_cancel_reason")
"""What a closing says of a subscription, which the next opening takes back."""


def field_values(kind: str, data: Data) -> dict[str, str | None]:
    """Return the custom fields that an event sets, or clears: None."""
    cleared = dict.fromkeys(ENDING) if kind == STARTED else {}
    return cleared | {
        name: value
        for name, (part, key) in FIELDS.items()
        if (value := data.get(part, {}).get(key)) is not None
    }


def tag_changes(kind: str, data: Data) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tags that an event adds and those that it removes."""
    if kind == STARTED:
        return (MEMBER,), (CANCELLED,)
    if kind == CANCELED:
        return (CANCELLED,), (MEMBER,)
    if kind == GRANTED:
        return (f"{data['access']['level']} access",), ()
    return (), ()


@dataclass(slots=True)
class State:
    """What Kit says of one subscriber, as far as events decide it."""

    first_name: str | None = None
    tags: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)


def final_states(events: Iterable[Event], mapped: Mapped = EVERYTHING) -> dict[str, State]:
    """Return what should be true of each person, by email address, once all the events are applied."""
    states: dict[str, State] = {}
    for event in sorted(events, key=lambda each: each.time):
        state = states.setdefault(event.email, State())
        added, removed = tag_changes(event.type, event.data)
        values = field_values(event.type, event.data)
        if mapped.first_name:
            state.first_name = event.data["user"]["first_name"]
        said = {name: values[name] for name in mapped.fields if name in values}
        kept = {name: value for name, value in state.fields.items() if name not in said}
        state.fields = kept | {name: value for name, value in said.items() if value is not None}
        state.tags = state.tags - set(removed) | set(added)
    return states


def wrong_people(wanted: Mapping[str, State], found: Mapping[str, State]) -> list[str]:
    """Return whose state in Kit is not what it should be, those whom Kit lacks included."""
    return [email for email, state in wanted.items() if found.get(email) != state]


def plain_calls(events: Sequence[Event]) -> int:
    """Return how many writes these events are, one call for each change as `single_calls` makes them."""
    tagging = sum(
        len(added) + len(removed)
        for added, removed in (tag_changes(event.type, event.data) for event in events)
    )
    return len(events) + tagging
