"""One Kit account: its data and what can be done with them. No HTTP; ids and the time are passed in.

Facts are Kit's (Kit API reference); where its reference is silent, the docstring says what is assumed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from worker.sandbox.catalog import CustomFields, Tags
from worker.sandbox.inputs import SubscriberInput
from worker.sandbox.memberships import Memberships
from worker.sandbox.records import CustomField, EmailSequence, Form, Plan, Subscriber, Tag, timestamp
from worker.sandbox.refusals import ForbiddenError, InvalidError, Unwanted
from worker.sandbox.tables import Table

LIMIT_REACHED = "This request would exceed your subscriber limit"
NO_MORE_FIELDS = "This request would exceed your custom field limit"
SYNCHRONOUS_FIELDS = 10  # more than that are set later (202)


@dataclass(frozen=True, slots=True)
class Written:
    """What an upsert or an update did: `deferred` says that its field values are set later."""

    subscriber: Subscriber
    created: bool = False
    deferred: bool = False
    ignored: tuple[str, ...] = ()


class Account:
    """A Kit account's subscribers, tags, custom fields, forms and sequences.

    Attributes:
        unwanted: texts that are not taken.
    """

    def __init__(self, account_id: int, name: str, ids: Iterator[int], now: float, plan: Plan) -> None:
        self.id = account_id
        self.name = name
        self.plan = plan
        self.created_at = timestamp(now)
        self.field_lag = 1.0  # seconds until more than ten values of one call are set
        self.unwanted = Unwanted()
        self._ids = ids
        self.clear()

    def clear(self) -> None:
        """Forget all that the account holds; ids are not used again."""
        self.subscribers: Table[Subscriber] = Table()
        self.tags = Tags(self._ids)
        self.custom_fields = CustomFields(self._ids)
        self.forms: Table[Form] = Table()
        self.sequences: Table[EmailSequence] = Table()
        self.memberships = Memberships(self.subscribers, self.tags)
        self._by_email: dict[str, int] = {}
        self._later: list[tuple[float, Callable[[float], object]]] = []

    def set_list_lag(self, seconds: float) -> None:
        """Let lists and filters lag behind writes by that much."""
        for table in (self.subscribers, self.tags, self.custom_fields, self.forms, self.sequences):
            table.set_lag(seconds)

    def later(self, due: float, action: Callable[[float], object]) -> None:
        """Leave something for later: `settle` does it once it is due, and tells it the time."""
        self._later.append((due, action))
        self._later.sort(key=lambda each: each[0])  # what is due at one time stays in its order

    def settle(self, now: float) -> None:
        """Do what calls left for later, such as setting more than ten field values, as far as it is due."""
        while self._later and self._later[0][0] <= now:
            _, action = self._later.pop(0)
            action(now)

    def subscriber(self, subscriber_id: int) -> Subscriber:
        """The subscriber with that id, as of the last write.

        Raises:
            NotFoundError: there is none.
        """
        return self.subscribers.get(subscriber_id)

    def with_email(self, email: str) -> Subscriber | None:
        """The subscriber with that address, compared without case, as of the last write."""
        subscriber_id = self._by_email.get(email.lower())
        return None if subscriber_id is None else self.subscribers.rows[subscriber_id]

    def create_tag(self, name: str, now: float) -> tuple[Tag, bool]:
        """The tag of that name and whether it was created by this call.

        Raises:
            InvalidError: the name is blank, or refused.
        """
        self.unwanted.check(name, "Name")
        return self.tags.create(name, now)

    def create_custom_field(self, label: str, now: float) -> tuple[CustomField, bool]:
        """The custom field of that label and whether it was created by this call.

        Raises:
            InvalidError: the label is blank, refused, or makes a key that another field has.
            ForbiddenError: a new custom field would exceed the plan's limit.
        """
        self.unwanted.check(label, "Label")
        if len(self.custom_fields.rows) >= self.plan.custom_field_limit and not self.custom_fields.has(label):
            raise ForbiddenError(NO_MORE_FIELDS)
        return self.custom_fields.create(label, now)

    def upsert(self, given: SubscriberInput, now: float) -> Written:
        """Create a subscriber, or update the first name and fields of the one with that address.

        The state counts only at creation; unknown custom fields are ignored and named in the result. A first
        name that is given overwrites, also an empty one, and (assumed) null.

        Raises:
            InvalidError: a value is refused.
            ForbiddenError: a new subscriber would exceed the plan's limit.
        """
        self.unwanted.check_values(given.first_name, given.fields)
        known, unknown = self._by_field_id(given.fields)
        existing = self.with_email(given.email_address)
        deferred = len(given.fields) > SYNCHRONOUS_FIELDS
        now_set = {} if deferred else known
        if existing is None:
            subscriber = self._create(given, now_set, now)
        else:
            subscriber = self._update(existing, given, existing.email_address, now_set, now)
        if deferred:
            self.later(now + self.field_lag, partial(self._set_fields, subscriber.id, known))
        return Written(subscriber, created=existing is None, deferred=deferred, ignored=unknown)

    def update(self, subscriber_id: int, given: SubscriberInput, now: float) -> Written:
        """Change a subscriber, including the email address.

        Raises:
            NotFoundError: there is no such subscriber.
            InvalidError: a custom field is unknown, a value refused, or the address another subscriber's.
        """
        existing = self.subscriber(subscriber_id)
        self.unwanted.check_values(given.first_name, given.fields)
        holder = self._by_email.get(given.email_address.lower(), subscriber_id)
        if holder != subscriber_id:
            raise InvalidError("Email address has already been taken")
        known, unknown = self._by_field_id(given.fields)
        if unknown:  # Kit's text for this is not published
            raise InvalidError(f"Custom field {unknown[0]} does not exist")
        deferred = len(given.fields) > SYNCHRONOUS_FIELDS
        del self._by_email[existing.email_address.lower()]
        self._by_email[given.email_address.lower()] = subscriber_id
        now_set = {} if deferred else known
        subscriber = self._update(existing, given, given.email_address, now_set, now)
        if deferred:
            self.later(now + self.field_lag, partial(self._set_fields, subscriber.id, known))
        return Written(subscriber, deferred=deferred)

    def set_field(self, subscriber: Subscriber, field_id: int, value: str, now: float) -> None:
        """Set one value of a custom field that exists.

        Raises:
            InvalidError: it is refused.
        """
        self.unwanted.check(value, "Value")
        self._set_fields(subscriber.id, {field_id: value}, now)

    def unsubscribe(self, subscriber_id: int, now: float) -> None:
        """Set a subscriber's state to cancelled, also where it is already.

        Raises:
            NotFoundError: there is no such subscriber.
        """
        subscriber, at = self.subscriber(subscriber_id), timestamp(now)
        if subscriber.state != "cancelled":
            cancelled = replace(subscriber, state="cancelled", updated_at=at, cancelled_at=at)
            self.subscribers.put(cancelled, now)

    def add_form(self, name: str, now: float, *, hosted: bool = False, archived: bool = False) -> Form:
        """Create a form, or a landing page (`hosted`), as creators do in Kit's own pages; not in its API."""
        kind = "hosted" if hosted else "embed"
        return self.forms.put(Form(next(self._ids), name, timestamp(now), kind, archived), now)

    def add_sequence(self, name: str, now: float) -> EmailSequence:
        """Create a sequence."""
        return self.sequences.put(EmailSequence(next(self._ids), name, timestamp(now)), now)

    def delete_subscriber(self, subscriber_id: int, now: float) -> None:
        """Delete a subscriber, as creators do in Kit's own pages; no part of its API."""
        del self._by_email[self.subscriber(subscriber_id).email_address.lower()]
        self.subscribers.remove(subscriber_id, now)

    def _create(self, given: SubscriberInput, values: Mapping[int, str | None], now: float) -> Subscriber:
        if len(self.subscribers.rows) >= self.plan.subscriber_limit:
            raise ForbiddenError(LIMIT_REACHED)
        at = timestamp(now)
        subscriber = Subscriber(
            id=next(self._ids),
            email_address=given.email_address,
            first_name=given.first_name,
            state=given.state or "active",
            created_at=at,
            updated_at=at,
            cancelled_at=at if given.state == "cancelled" else None,
            fields=_merged({}, values),
        )
        self._by_email[subscriber.email_address.lower()] = subscriber.id
        return self.subscribers.put(subscriber, now)

    def _update(
        self,
        old: Subscriber,
        given: SubscriberInput,
        email: str,
        values: Mapping[int, str | None],
        now: float,
    ) -> Subscriber:
        new = Subscriber(
            old.id,
            email,
            given.first_name if given.has_first_name else old.first_name,
            old.state,
            old.created_at,
            timestamp(now),
            old.cancelled_at,
            _merged(old.fields, values),
            old.tags,
            old.added,
        )
        return self.subscribers.put(new, now)

    def _set_fields(self, subscriber_id: int, values: Mapping[int, str | None], now: float) -> None:
        subscriber = self.subscribers.rows.get(subscriber_id)
        if subscriber is not None:  # who may have been deleted meanwhile
            fields = _merged(subscriber.fields, values)
            self.subscribers.put(replace(subscriber, fields=fields, updated_at=timestamp(now)), now)

    def _by_field_id(self, fields: Mapping[str, str | None]) -> tuple[dict[int, str | None], tuple[str, ...]]:
        by_key = self.custom_fields.by_key
        known = {by_key[key]: value for key, value in fields.items() if key in by_key}
        return known, tuple(key for key in fields if key not in by_key)


def _merged(old: Mapping[int, str], new: Mapping[int, str | None]) -> Mapping[int, str]:
    if not new:
        return old
    merged = {**old, **new}  # an empty text clears, and (assumed) null
    return {field_id: value for field_id, value in merged.items() if value}
