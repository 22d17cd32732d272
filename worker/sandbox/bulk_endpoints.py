"""Kit's bulk endpoints, for OAuth only: what each does with one entry.

Kit's reference gives shapes, texts and the order of subscribers and of tags. Assumed, where it is silent:
custom fields are answered in the opposite order, as tags are, and all else in that of the request; an entry
that repeats another is done again; an invalid state is a failure of its entry.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from worker.sandbox import bulk, shapes
from worker.sandbox.bulk import BulkSettings, Item, Json, Operation
from worker.sandbox.endpoint import Endpoint, Incoming, Result
from worker.sandbox.inputs import id_input, subscriber_input, text_input
from worker.sandbox.records import CustomField, Form, Subscriber, Tag, is_email
from worker.sandbox.refusals import ForbiddenError, InvalidError
from worker.sandbox.state import LIMIT_REACHED, Account

Found = TypeVar("Found", Tag, CustomField, Form)

SUBSCRIBER_INPUTS = ("email_address", "first_name", "state")  # custom fields are ignored


def upsert(account: Account, item: Item, now: float) -> Json:
    """Create or update one subscriber, as the single upsert does, but for custom fields."""
    given = {name: item[name] for name in SUBSCRIBER_INPUTS if name in item}
    return shapes.plain_subscriber(account.upsert(subscriber_input(given), now).subscriber)


def check_subscribers(account: Account, items: Sequence[Item]) -> None:
    """Refuse a blank address, and more new subscribers than the plan allows, whatever else is asked.

    Raises:
        InvalidError: an entry has no address. Which 4xx that is, and its text, is not published.
        ForbiddenError: the plan's limit would be exceeded.
    """
    addresses = [item.get("email_address") for item in items]
    if any(email is None or not str(email).strip() for email in addresses):
        raise InvalidError("Email address can't be blank")
    wanted = {str(email).lower() for email in addresses if is_email(email)}
    new = sum(account.with_email(email) is None for email in wanted)
    if new and len(account.subscribers.rows) + new > account.plan.subscriber_limit:
        raise ForbiddenError(LIMIT_REACHED)


def failed_subscriber(_: Account, item: Item, settings: BulkSettings) -> Json:
    """An entry of the bulk upsert that failed."""
    email = item.get("email_address")
    return {
        "first_name": item.get("first_name"),
        "email_address": email if is_email(email) or settings.echo_invalid else None,
        "state": item.get("state") or "active",
        "created_at": None,
    }


def tag(account: Account, item: Item, now: float) -> Json:
    """Tag one subscriber."""
    subscriber, wanted = _both(_subscriber(account, item), _tag(account, item), "Tag")
    tagged, _ = account.memberships.tag(wanted.id, subscriber, now)
    return shapes.bulk_tagged(tagged, wanted.id)


def untag(account: Account, item: Item, now: float) -> Json:
    """Take a tag off one subscriber, who may lack it already."""
    subscriber, wanted = _both(_subscriber(account, item), _tag(account, item), "Tag")
    account.memberships.untag(wanted.id, subscriber, now)
    return {}


def failed_tagging(account: Account, item: Item, _: BulkSettings) -> Json:
    """A tagging that failed: the id that was not found is null."""
    subscriber, wanted = _subscriber(account, item), _tag(account, item)
    return {"tag_id": wanted and wanted.id, "subscriber_id": subscriber and subscriber.id}


def set_value(account: Account, item: Item, now: float) -> Json:
    """Set one custom field of one subscriber; null clears nothing, since a value is a text."""
    subscriber, custom_field = _both(_subscriber(account, item), _custom_field(account, item), "Custom field")
    if item.get("value") is None:  # what Kit says to this is not published
        raise InvalidError("Value is invalid")
    text = text_input(item, "value")
    account.set_field(subscriber, custom_field.id, text, now)
    return {"subscriber_id": subscriber.id, "subscriber_custom_field_id": custom_field.id, "value": text}


def failed_value(account: Account, item: Item, _: BulkSettings) -> Json:
    """A value that was not set: the id of a subscriber who was not found is null, that of a field is not."""
    subscriber = _subscriber(account, item)
    return {
        "subscriber_id": subscriber and subscriber.id,
        "subscriber_custom_field_id": item.get("subscriber_custom_field_id"),
        "value": item.get("value"),
    }


def create_tag(account: Account, item: Item, now: float) -> Json:
    """Create one tag, or find the one of that name."""
    return shapes.tag(account.create_tag(text_input(item, "name"), now)[0])


def failed_tag(_: Account, item: Item, __: BulkSettings) -> Json:
    """A tag that was not created."""
    return {"id": None, "name": item.get("name"), "created_at": None}


def delete_tag(account: Account, item: Item, now: float) -> Json:
    """Delete one tag: nobody has it any longer."""
    found = account.tags.rows.get(id_input(item, "id"))
    if found is None:
        raise InvalidError("Tag does not exist")
    account.memberships.delete_tag(found.id, now)
    return {}


def failed_deletion(_: Account, __: Item, ___: BulkSettings) -> Json:
    """A tag that was not deleted: the id that was not found is null."""
    return {"id": None, "name": None, "created_at": None}


def create_custom_field(account: Account, item: Item, now: float) -> Json:
    """Create one custom field, or find the one of that label."""
    return shapes.bulk_custom_field(account.create_custom_field(text_input(item, "label"), now)[0])


def failed_custom_field(_: Account, item: Item, __: BulkSettings) -> Json:
    """A custom field that was not created."""
    return {"id": None, "label": item.get("label"), "key": None, "name": None, "created_at": None}


def add(account: Account, item: Item, now: float) -> Json:
    """Add one subscriber to a form."""
    subscriber, wanted = _both(_subscriber(account, item), _form(account, item), "Form")
    referrer = text_input(item, "referrer") or None
    added, _ = account.memberships.add(wanted, subscriber, now, referrer)
    return {**shapes.bulk_subscriber(added), **shapes.addition(added, wanted.id)}


def failed_addition(account: Account, item: Item, _: BulkSettings) -> Json:
    """A subscriber who was not added: the id that was not found is null."""
    subscriber, wanted = _subscriber(account, item), _form(account, item)
    return {
        "form_id": wanted and wanted.id,
        "subscriber_id": subscriber and subscriber.id,
        "referrer": item.get("referrer"),
    }


def _subscriber(account: Account, item: Item) -> Subscriber | None:
    return account.subscribers.rows.get(id_input(item, "subscriber_id"))


def _tag(account: Account, item: Item) -> Tag | None:
    return account.tags.rows.get(id_input(item, "tag_id"))


def _form(account: Account, item: Item) -> Form | None:
    return account.forms.rows.get(id_input(item, "form_id"))


def _custom_field(account: Account, item: Item) -> CustomField | None:
    return account.custom_fields.rows.get(id_input(item, "subscriber_custom_field_id"))


def _both(subscriber: Subscriber | None, other: Found | None, what: str) -> tuple[Subscriber, Found]:
    if subscriber is not None and other is not None:
        return subscriber, other
    sought = {"Subscriber": subscriber, what: other}
    raise InvalidError(*(f"{name} does not exist" for name, found in sought.items() if found is None))


def _own_email(_: Account, item: Item) -> str | None:
    email = item.get("email_address")
    return email if isinstance(email, str) else None


def _email_by_id(account: Account, item: Item) -> str | None:
    subscriber = _subscriber(account, item)
    return None if subscriber is None else subscriber.email_address


OPERATIONS = {
    "POST /v4/bulk/subscribers": Operation(
        "subscribers",
        "subscriber",
        upsert,
        failed_subscriber,
        email=_own_email,
        answers="subscribers",
        check=check_subscribers,
    ),
    "POST /v4/bulk/custom_fields/subscribers": Operation(
        "custom_field_values",
        "custom_field_value",
        set_value,
        failed_value,
        email=_email_by_id,
        answers="custom_field_values",
    ),
    "POST /v4/bulk/tags/subscribers": Operation(
        "taggings", "tagging", tag, failed_tagging, email=_email_by_id, answers="subscribers"
    ),
    "DELETE /v4/bulk/tags/subscribers": Operation(
        "taggings", "tagging", untag, failed_tagging, email=_email_by_id
    ),
    "POST /v4/bulk/forms/subscribers": Operation(
        "additions", "subscription", add, failed_addition, email=_email_by_id, answers="subscribers"
    ),
    "POST /v4/bulk/tags": Operation("tags", "tag", create_tag, failed_tag, answers="tags", opposite=True),
    "DELETE /v4/bulk/tags": Operation("tags", "tag", delete_tag, failed_deletion),
    "POST /v4/bulk/custom_fields": Operation(
        "custom_fields",
        "custom_field",
        create_custom_field,
        failed_custom_field,
        answers="custom_fields",
        opposite=True,
    ),
}


def _endpoint(operation: Operation) -> Endpoint:
    def endpoint(account: Account, request: Incoming) -> Result:
        return bulk.answer(operation, account, request.body, request.bulk, request.now)

    return endpoint


ROUTES: Mapping[str, Endpoint] = {name: _endpoint(operation) for name, operation in OPERATIONS.items()}
