"""Kit's endpoints: from a request to an account's operation to the JSON of the answer. No sockets here.

Shapes and statuses are Kit's (Kit API reference). A further group of endpoints is one more table of routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from worker.sandbox import shapes
from worker.sandbox.bulk import PLAIN_TERMS, BulkTerms
from worker.sandbox.inputs import email_input, state_input, subscriber_input, text_input
from worker.sandbox.pagination import page_request, paginate
from worker.sandbox.records import Subscriber
from worker.sandbox.refusals import InvalidError, NotFoundError
from worker.sandbox.state import Account, Written

Json = dict[str, object]
Result = tuple[int, Json | None]  # status and body; None for a 204

UNSUPPORTED_FILTERS = (
    "created_after", "created_before", "updated_after", "updated_before", "tagged_after", "tagged_before",
)  # fmt: skip
DEFAULT_SORT = {"sort_field": "id", "sort_order": "desc"}


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request, parsed: the ids in its path, its query, its JSON body, and when it came (Unix seconds).

    `bulk` is what a bulk request meets besides.
    """

    now: float
    ids: Sequence[int] = ()
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] = field(default_factory=dict)
    bulk: BulkTerms = PLAIN_TERMS


Endpoint = Callable[["Account", Incoming], Result]


def get_account(account: Account, _: Incoming) -> Result:
    """Answer with the account and its plan: the connection test."""
    return 200, shapes.account(account)


def create_subscriber(account: Account, request: Incoming) -> Result:
    """Upsert by email: 201 created, 200 existed, 202 when over ten values are set later."""
    return _written(account, account.upsert(subscriber_input(request.body), request.now))


def update_subscriber(account: Account, request: Incoming) -> Result:
    """Change a subscriber by id; unlike the upsert it refuses unknown custom fields."""
    address = account.subscriber(request.ids[0]).email_address
    given = subscriber_input({"email_address": address, **request.body})  # the address need not be given
    return _written(account, account.update(request.ids[0], given, request.now))


def list_subscribers(account: Account, request: Incoming) -> Result:
    """List subscribers, active ones only unless a status is given. Lags."""
    rows = account.subscribers.newest_first(request.now)
    email = request.query.get("email_address")
    if email:
        wanted = email_input(request.query).lower()
        rows = [row for row in rows if row.email_address.lower() == wanted]
    page = paginate(_with_status(rows, request.query), page_request(request.query))
    found = [shapes.subscriber(account, row) for row in page.rows]
    return 200, {"subscribers": found, "pagination": page.pagination()}


def get_subscriber(account: Account, request: Incoming) -> Result:
    """Look a subscriber up by id: always consistent."""
    return 200, {"subscriber": shapes.subscriber(account, account.subscriber(request.ids[0]))}


def unsubscribe(account: Account, request: Incoming) -> Result:
    """Unsubscribe by id; 204 too where that was done before."""
    account.unsubscribe(request.ids[0], request.now)
    return 204, None


def list_subscriber_tags(account: Account, request: Incoming) -> Result:
    """List the tags of a subscriber. Lags, as every list."""
    current = account.subscriber(request.ids[0])
    seen = account.subscribers.listed(current.id, request.now)
    tagged = {} if seen is None else seen.tags
    tags = [
        account.tags.rows[tag_id] for tag_id in sorted(tagged, reverse=True) if tag_id in account.tags.rows
    ]
    page = paginate(tags, page_request(request.query))
    found = [{"id": tag.id, "name": tag.name, "tagged_at": tagged[tag.id]} for tag in page.rows]
    return 200, {"tags": found, "pagination": page.pagination()}


def list_tags(account: Account, request: Incoming) -> Result:
    """List the account's tags. Lags."""
    page = paginate(account.tags.newest_first(request.now), page_request(request.query))
    return 200, {"tags": [shapes.tag(row) for row in page.rows], "pagination": page.pagination()}


def create_tag(account: Account, request: Incoming) -> Result:
    """Create a tag: 201, or 200 where one of that name exists."""
    tag, created = account.tags.create(text_input(request.body, "name"), request.now)
    return (201 if created else 200), {"tag": shapes.tag(tag)}


def update_tag(account: Account, request: Incoming) -> Result:
    """Rename a tag."""
    tag = account.tags.rename(request.ids[0], text_input(request.body, "name"), request.now)
    return 200, {"tag": shapes.tag(tag)}


def list_tag_subscribers(account: Account, request: Incoming) -> Result:
    """List those who have a tag, active ones only unless a status is given. Lags."""
    tag_id = account.tags.get(request.ids[0]).id
    rows = [row for row in account.subscribers.newest_first(request.now) if tag_id in row.tags]
    page = paginate(_with_status(rows, request.query), page_request(request.query))
    found = [shapes.tagged(account, row, tag_id) for row in page.rows]
    return 200, {"subscribers": found, "pagination": page.pagination()}


def tag_by_email(account: Account, request: Incoming) -> Result:
    """Tag the subscriber with that address, who must exist."""
    return _tag(account, request, _named_in_body(account, request, "tag subscriber"))


def tag_by_id(account: Account, request: Incoming) -> Result:
    """Tag a subscriber by id."""
    return _tag(account, request, account.subscriber(request.ids[1]))


def untag_by_email(account: Account, request: Incoming) -> Result:
    """Take a tag off the subscriber with that address; 204 too where it was not set."""
    subscriber = _named_in_body(account, request, "remove tag from subscriber")
    account.untag(request.ids[0], subscriber, request.now)
    return 204, None


def untag_by_id(account: Account, request: Incoming) -> Result:
    """Take a tag off a subscriber by id; 204 too where it was not set."""
    account.untag(request.ids[0], account.subscriber(request.ids[1]), request.now)
    return 204, None


def list_custom_fields(account: Account, request: Incoming) -> Result:
    """List the account's custom fields. Lags."""
    page = paginate(account.custom_fields.newest_first(request.now), page_request(request.query))
    found = [shapes.custom_field(row) for row in page.rows]
    return 200, {"custom_fields": found, "pagination": page.pagination()}


def create_custom_field(account: Account, request: Incoming) -> Result:
    """Create a custom field: 201, or 200 where one of that label exists."""
    custom_field, created = account.custom_fields.create(text_input(request.body, "label"), request.now)
    return (201 if created else 200), {"custom_field": shapes.custom_field(custom_field)}


def update_custom_field(account: Account, request: Incoming) -> Result:
    """Relabel a custom field: its key changes with it."""
    label = text_input(request.body, "label")
    return 200, {
        "custom_field": shapes.custom_field(account.custom_fields.relabel(request.ids[0], label, request.now))
    }


def delete_custom_field(account: Account, request: Incoming) -> Result:
    """Delete a custom field with all its values."""
    account.custom_fields.delete(request.ids[0], request.now)
    return 204, None


ROUTES: Mapping[str, Endpoint] = {
    "GET /v4/account": get_account,
    "GET /v4/subscribers": list_subscribers,
    "POST /v4/subscribers": create_subscriber,
    "GET /v4/subscribers/{id}": get_subscriber,
    "PUT /v4/subscribers/{id}": update_subscriber,
    "POST /v4/subscribers/{id}/unsubscribe": unsubscribe,
    "GET /v4/subscribers/{subscriber_id}/tags": list_subscriber_tags,
    "GET /v4/tags": list_tags,
    "POST /v4/tags": create_tag,
    "PUT /v4/tags/{id}": update_tag,
    "GET /v4/tags/{tag_id}/subscribers": list_tag_subscribers,
    "POST /v4/tags/{tag_id}/subscribers": tag_by_email,
    "DELETE /v4/tags/{tag_id}/subscribers": untag_by_email,
    "POST /v4/tags/{tag_id}/subscribers/{id}": tag_by_id,
    "DELETE /v4/tags/{tag_id}/subscribers/{id}": untag_by_id,
    "GET /v4/custom_fields": list_custom_fields,
    "POST /v4/custom_fields": create_custom_field,
    "PUT /v4/custom_fields/{id}": update_custom_field,
    "DELETE /v4/custom_fields/{id}": delete_custom_field,
}


def _written(account: Account, written: Written) -> Result:
    status = 202 if written.deferred else 201 if written.created else 200
    body: Json = {"subscriber": shapes.subscriber(account, written.subscriber)}
    if written.ignored:
        body["warnings"] = [f"Custom field {key} does not exist and was ignored" for key in written.ignored]
    return status, body


def _tag(account: Account, request: Incoming, subscriber: Subscriber) -> Result:
    tagged, is_new = account.tag(request.ids[0], subscriber, request.now)
    return (201 if is_new else 200), {"subscriber": shapes.tagged(account, tagged, request.ids[0])}


def _named_in_body(account: Account, request: Incoming, purpose: str) -> Subscriber:
    account.tags.get(request.ids[0])
    if request.body.get("email_address") in (None, ""):
        raise InvalidError(f"Either subscriber id or email address is required to {purpose}")
    subscriber = account.with_email(email_input(request.body))
    if subscriber is None:
        raise NotFoundError
    return subscriber


def _with_status(rows: list[Subscriber], query: Mapping[str, str]) -> list[Subscriber]:
    for name in UNSUPPORTED_FILTERS:
        if name in query:  # better than a list that is not what was asked for
            raise InvalidError(f"This sandbox does not support the parameter {name}")
    for name, default in DEFAULT_SORT.items():
        if query.get(name, default) != default:
            raise InvalidError(f"This sandbox does not support the parameter {name}={query[name]}")
    status = query.get("status") or "active"
    if status == "all":
        return rows
    state_input(status)
    return [row for row in rows if row.state == status]
