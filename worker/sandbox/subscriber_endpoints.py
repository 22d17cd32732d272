"""Kit's endpoints for single subscribers, and for lists of them."""

from __future__ import annotations

from collections.abc import Mapping

from worker.sandbox import shapes
from worker.sandbox.dates import CREATED_OR_UPDATED, within
from worker.sandbox.endpoint import Endpoint, Incoming, Json, Result
from worker.sandbox.inputs import emails_input, subscriber_input
from worker.sandbox.pagination import page_of
from worker.sandbox.queries import flag, included, with_status
from worker.sandbox.sorting import asked_order
from worker.sandbox.state import Account, Written


def create_subscriber(account: Account, request: Incoming) -> Result:
    """Upsert by email: 201 created, 200 existed, 202 when over ten values are set later."""
    return _written(account, account.upsert(subscriber_input(request.body), request.now))


def update_subscriber(account: Account, request: Incoming) -> Result:
    """Change a subscriber by id; unlike the upsert it refuses unknown custom fields."""
    address = account.subscriber(request.ids[0]).email_address
    given = subscriber_input({"email_address": address, **request.body})  # the address need not be given
    return _written(account, account.update(request.ids[0], given, request.now))


def list_subscribers(account: Account, request: Incoming) -> Result:
    """List subscribers, active ones only unless a status is given; with `include=tags` their tags. Lags."""
    query = request.query
    rows = account.subscribers.as_listed(request.now)
    if query.get("email_address"):
        wanted = emails_input(query)
        rows = [row for row in rows if row.email_address.lower() in wanted]
    meant = within(with_status(rows, query), query, CREATED_OR_UPDATED)
    page = page_of(meant, query, asked_order(query))
    listed = shapes.Listed(account, request.now, slim=flag(query, "slim"))
    show = listed.with_tags if included(query, "tags") else listed.person
    found = [show(row) for row in page.rows]
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
    tags = account.tags.seen(request.now)
    page = page_of([tags[tag] for tag in tagged if tag in tags], request.query)
    found = [{"id": tag.id, "name": tag.name, "tagged_at": tagged[tag.id].at} for tag in page.rows]
    return 200, {"tags": found, "pagination": page.pagination()}


ROUTES: Mapping[str, Endpoint] = {
    "GET /v4/subscribers": list_subscribers,
    "POST /v4/subscribers": create_subscriber,
    "GET /v4/subscribers/{id}": get_subscriber,
    "PUT /v4/subscribers/{id}": update_subscriber,
    "POST /v4/subscribers/{id}/unsubscribe": unsubscribe,
    "GET /v4/subscribers/{subscriber_id}/tags": list_subscriber_tags,
}


def _written(account: Account, written: Written) -> Result:
    status = 202 if written.deferred else 201 if written.created else 200
    body: Json = {"subscriber": shapes.subscriber(account, written.subscriber)}
    if written.ignored:
        body["warnings"] = [f"Custom field {key} does not exist and was ignored" for key in written.ignored]
    return status, body
