"""Defines what a handler is, the payload that all events share, and the platform's fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)

from worker.errors import InvalidEvent
from worker.events.event import Event
from worker.events.values import MISSING, Found, Lookup, as_found, time_text
from worker.mapping import EventMapping
from worker.subscribers.identity import normalize_email

Scalar: TypeAlias = StrictStr | StrictInt | StrictFloat | StrictBool
Email: TypeAlias = Annotated[StrictStr, AfterValidator(normalize_email)]
P = TypeVar("P", bound=BaseModel)


class _Object(BaseModel):
    # Unknown keys are kept: admins reach them by path, and the platform may add some at any time.
    model_config = ConfigDict(extra="allow", frozen=True)


class User(_Object):
    """The person whom the event is about."""

    email: Email
    id: Scalar | None = None
    first_name: Scalar | None = None
    last_name: Scalar | None = None
    signed_up_at: Scalar | None = None


class Subscription(_Object):
    """A paid subscription on the platform."""

    id: Scalar | None = None
    plan: Scalar | None = None
    status: Scalar | None = None
    started_at: Scalar | None = None
    canceled_at: Scalar | None = None
    ends_at: Scalar | None = None
    cancel_reason: Scalar | None = None


class Access(_Object):
    """Access to something, with or without a subscription."""

    level: Scalar | None = None
    granted_at: Scalar | None = None
    expires_at: Scalar | None = None
    product: Scalar | None = None


class Whom(_Object):
    """As much of a user as tells who it is."""

    email: Email
    id: Scalar | None = None


class AboutWhom(_Object):
    """As much of an event's `data` as must be right before any of it can be applied."""

    user: Whom


class Payload(_Object):
    """An event's `data`, as the contract has it."""

    user: User
    subscription: Subscription | None = None
    access: Access | None = None


PLATFORM_FIELDS: Final[Mapping[str, str]] = {
    "mk_user_id": "user.id",
    "mk_first_name": "user.first_name",
    "mk_last_name": "user.last_name",
    "mk_signed_up_at": "user.signed_up_at",
    "mk_subscription_id": "subscription.id",
    "mk_subscription_plan": "subscription.plan",
    "mk_subscription_status": "subscription.status",
    "mk_subscription_started_at": "subscription.started_at",
    "mk_subscription_canceled_at": "subscription.canceled_at",
    "mk_subscription_ends_at": "subscription.ends_at",
    "mk_cancel_reason": "subscription.cancel_reason",
    "mk_access_level": "access.level",
    "mk_access_granted_at": "access.granted_at",
    "mk_access_expires_at": "access.expires_at",
}
"""The platform's fields that admins map, each with its path in an event's `data`."""


TIMES: Final = frozenset(path for path in PLATFORM_FIELDS.values() if path.endswith("_at"))
"""The paths of the platform's fields that are times."""

ENDING: Final = ("subscription.canceled_at", "subscription.ends_at", "subscription.cancel_reason")
"""The paths of what says how a subscription ended."""


def path_of(name: str) -> str:
    """Return the path in an event's `data` of a value, by its name."""
    return PLATFORM_FIELDS.get(name) or name.removeprefix("data.")


@lru_cache(maxsize=4096)  # every event is asked for the same few
def _place_of(name: str) -> tuple[str, str, tuple[str, ...], bool]:
    """Return a value's path, its first key and the others, and whether it is one of the platform's fields."""
    path = path_of(name)
    first, *others = path.split(".")
    return path, first, tuple(others), name in PLATFORM_FIELDS


_STATUS: Final[Mapping[str | None, Mapping[str, str]]] = {
    "opens": {"mk_subscription_status": "active"},
    "closes": {"mk_subscription_status": "canceled"},
}
"""What an event says of a subscription that it opens or closes."""


@dataclass(frozen=True, slots=True)
class Handler:
    """What this worker knows about one event type.

    Attributes:
        type: The event type; empty for the handler of types that only an admin's file knows.
        meaning: What it says about a person, for the guide and the AsyncAPI document.
        example: What an event of this type may hold in `data`, besides the user whom all examples have.
        default: What it does where an account's file does not list it.
        happened_at: The platform field that says when it happened: the event's own time, where its payload
            does not say.
    """

    type: str
    meaning: str
    example: Mapping[str, Mapping[str, Any]]
    default: EventMapping | None = None
    happened_at: str = ""

    def lookup(self, event: Event, lifecycle: Literal["opens", "closes"] | None = None) -> Lookup:
        """Return the function that finds this event's values by name.

        The function raises `InvalidEvent` for a value of the wrong form.

        Args:
            event: What happened.
            lifecycle: Whether that opens or closes a subscription under the account's mapping.
        """
        by_default = self.default.lifecycle if self.default else None
        implied = _STATUS.get(lifecycle or by_default, {})

        data, happened_at = event.data, self.happened_at

        def find(name: str) -> Found:
            path, first, others, is_platforms = _place_of(name)
            value = data.get(first, MISSING)
            for key in others:
                if isinstance(value, dict):
                    value = value.get(key, MISSING)
                    continue
                if is_platforms and value is not None and value is not MISSING:
                    raise InvalidEvent(f"data.{first}: must be an object")
                value = MISSING
                break
            if isinstance(value, str) and (text := value.strip()):
                return text  # most are so
            found = value if value is None or value is MISSING else as_found(value, path)
            if isinstance(found, (str, tuple)):
                return found
            # A null means "cleared", but an event that itself implies the value knows better.
            return time_text(event.time) if name == happened_at else implied.get(name, found)

        return find


def read_payload(event: Event) -> Payload:
    """Return the event's payload, checked against the contract.

    Raises:
        InvalidEvent: A field is missing or of the wrong type; the text names each.
    """
    return _checked(Payload, event)


def check_person(event: Event) -> None:
    """See that the event says whom it is about; what else is wrong costs only the parts that need it.

    Raises:
        InvalidEvent: It does not.
    """
    _checked(AboutWhom, event)


def _checked(model: type[P], event: Event) -> P:
    try:
        return model.model_validate(event.data)
    except ValidationError as error:
        faults = dict.fromkeys(_fault(item["loc"], item["type"], item["msg"]) for item in error.errors())
        raise InvalidEvent("; ".join(list(faults)[:5])) from error


_SCALAR_TYPES: Final = frozenset({"str", "int", "float", "bool"})
_FAULTS: Final = {"missing": "missing", "value_error": "not an email address"}


def _fault(loc: tuple[int | str, ...], kind: str, message: str) -> str:
    # The last part of a union's location is the branch that failed, which says nothing to people.
    parts = [str(part) for part in loc if part not in _SCALAR_TYPES]
    place = ".".join(("data", *parts))
    if kind.endswith("_type"):
        wanted = "an object" if kind.startswith("model") else "text, a number, true, false or null"
        return f"{place}: must be {'text' if parts[-1:] == ['email'] else wanted}"
    return f"{place}: {_FAULTS.get(kind, message)}"
