"""The JSON of Kit's objects (Kit API reference, endpoints)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from worker.sandbox.records import CustomField, EmailSequence, Form, Subscriber, Tag
from worker.sandbox.state import Account

Json = dict[str, object]

UTM_PARAMETERS = ("source", "medium", "campaign", "term", "content")


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


def subscriber(of: Account, row: Subscriber) -> Json:
    """A subscriber with a value or null for every custom field of the account, by key."""
    return _with_fields(row, of.custom_fields.by_key)


def _with_fields(row: Subscriber, ids: Mapping[str, int]) -> Json:
    values = row.fields
    fields = {key: values.get(field_id) for key, field_id in ids.items()}
    return {**plain_subscriber(row), "fields": fields}


class Listed:
    """People as a list shows them, which lags behind writes: also behind those of tags and custom fields.

    Args:
        of: the account.
        now: Unix seconds.
        slim: whether they come without fields.
    """

    def __init__(self, of: Account, now: float, *, slim: bool) -> None:
        self._tags = of.tags.seen(now)
        self._field_ids = of.custom_fields.keys_seen(now)
        self._slim = slim

    def person(self, row: Subscriber) -> Json:
        """A subscriber."""
        return plain_subscriber(row) if self._slim else _with_fields(row, self._field_ids)

    def with_tags(self, row: Subscriber) -> Json:
        """A subscriber with the tags that they have, newest tag first."""
        held = [self._tags[tag_id] for tag_id in sorted(row.tags, reverse=True) if tag_id in self._tags]
        return {**self.person(row), "tags": [{"id": tag.id, "name": tag.name} for tag in held]}

    def tagged(self, row: Subscriber, tag_id: int) -> Json:
        """A subscriber with the time of one of their taggings."""
        return {**self.person(row), "tagged_at": row.tags[tag_id].at}

    def added(self, row: Subscriber, group_id: int) -> Json:
        """A subscriber with when they were added to a form or a sequence."""
        return {**self.person(row), **addition(row, group_id)}


def plain_subscriber(row: Subscriber) -> Json:
    """A subscriber without fields, as bulk calls answer."""
    return {
        "id": row.id,
        "first_name": row.first_name,
        "email_address": row.email_address,
        "state": row.state,
        "created_at": row.created_at,
    }


def tagged(of: Account, row: Subscriber, tag_id: int) -> Json:
    """A subscriber with the time of one of its taggings."""
    return {**subscriber(of, row), "tagged_at": row.tags[tag_id].at}


def bulk_subscriber(row: Subscriber) -> Json:
    """A subscriber without fields and without a state, as bulk calls about a tag or a form answer."""
    return {
        "id": row.id,
        "first_name": row.first_name,
        "email_address": row.email_address,
        "created_at": row.created_at,
    }


def bulk_tagged(row: Subscriber, tag_id: int) -> Json:
    """A subscriber with the time of one of its taggings, as bulk calls answer: without saying which tag."""
    return {**bulk_subscriber(row), "tagged_at": row.tags[tag_id].at}


def tag(row: Tag) -> Json:
    """A tag."""
    return {"id": row.id, "name": row.name, "created_at": row.created_at}


def custom_field(row: CustomField) -> Json:
    """A custom field."""
    return {"id": row.id, "name": row.name, "key": row.key, "label": row.label}


def bulk_custom_field(row: CustomField) -> Json:
    """A custom field as bulk calls answer: with its date."""
    return {**custom_field(row), "created_at": row.created_at}


def form(row: Form) -> Json:
    """A form or a landing page, at an address that is nobody's."""
    uid = f"{row.id:x}"
    page = f"https://sandbox.example.com/{uid}"
    about = {"id": row.id, "name": row.name, "created_at": row.created_at, "type": row.type, "format": None}
    embedded = {"embed_js": f"{page}/index.js", "embed_url": page}
    return {**about, **embedded, "archived": row.archived, "uid": uid}


def sequence(row: EmailSequence) -> Json:
    """A sequence."""
    return {
        "id": row.id, "name": row.name, "hold": False, "repeat": False, "created_at": row.created_at,
    }  # fmt: skip


def addition(row: Subscriber, group_id: int) -> Json:
    """When a subscriber was added to a form or a sequence, and from where, if that was told."""
    added = row.added[group_id]
    if added.referrer is None:
        return {"added_at": added.at}
    told = dict(parse_qsl(urlsplit(added.referrer).query))
    utm = {name: told.get(f"utm_{name}", "") for name in UTM_PARAMETERS}
    return {"added_at": added.at, "referrer": added.referrer, "referrer_utm_parameters": utm}
