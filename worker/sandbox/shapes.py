"""The JSON of Kit's objects (Kit API reference, endpoints)."""

from __future__ import annotations

from worker.sandbox.records import CustomField, Subscriber, Tag
from worker.sandbox.state import Account

Json = dict[str, object]


def account(of: Account) -> Json:
    """What `GET /v4/account` answers."""
    email = f"owner-{of.id}@example.com"
    plan = {
        "plan_type": of.plan.plan_type,
        "interval": "month",
        "subscriber_limit": of.plan.subscriber_limit,
        "on_trial": False,
        "trial_lapse_date": None,
        "renews_at": None,
        "cancels_at": None,
    }
    about = {
        "id": of.id,
        "name": of.name,
        "plan_type": of.plan.plan_type,
        "primary_email_address": email,
        "created_at": of.created_at,
        "timezone": {"name": "Etc/UTC", "friendly_name": "UTC", "utc_offset": "+00:00"},
        "plan": plan,
        "sending_addresses": [],
    }
    return {"user": {"id": of.id, "email": email}, "account": about}


def subscriber(of: Account, row: Subscriber, *, slim: bool = False) -> Json:
    """A subscriber with a value or null for every custom field of the account, by key; none if `slim`."""
    if slim:
        return plain_subscriber(row)
    values = row.fields
    fields = {key: values.get(field_id) for key, field_id in of.custom_fields.by_key.items()}
    return {**plain_subscriber(row), "fields": fields}


def plain_subscriber(row: Subscriber) -> Json:
    """A subscriber without fields, as bulk calls answer."""
    return {
        "id": row.id,
        "first_name": row.first_name,
        "email_address": row.email_address,
        "state": row.state,
        "created_at": row.created_at,
    }


def tagged(of: Account, row: Subscriber, tag_id: int, *, slim: bool = False) -> Json:
    """A subscriber with the time of one of its taggings."""
    return {**subscriber(of, row, slim=slim), "tagged_at": row.tags[tag_id].at}


def bulk_tagged(row: Subscriber, tag_id: int) -> Json:
    """A subscriber with the time of one of its taggings, as bulk calls answer: without saying which tag."""
    return {
        "id": row.id,
        "first_name": row.first_name,
        "email_address": row.email_address,
        "created_at": row.created_at,
        "tagged_at": row.tags[tag_id].at,
    }


def tags_of(of: Account, row: Subscriber) -> list[Json]:
    """The tags that a subscriber has, newest tag first, as a list of subscribers shows them."""
    held = [of.tags.rows[tag_id] for tag_id in sorted(row.tags, reverse=True) if tag_id in of.tags.rows]
    return [{"id": tag.id, "name": tag.name} for tag in held]


def tag(row: Tag) -> Json:
    """A tag."""
    return {"id": row.id, "name": row.name, "created_at": row.created_at}


def custom_field(row: CustomField) -> Json:
    """A custom field."""
    return {"id": row.id, "name": row.name, "key": row.key, "label": row.label}


def bulk_custom_field(row: CustomField) -> Json:
    """A custom field as bulk calls answer: with its date."""
    return {**custom_field(row), "created_at": row.created_at}
