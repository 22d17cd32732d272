"""Kit's endpoints for single tags and taggings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from worker.sandbox import shapes
from worker.sandbox.dates import CREATED, within
from worker.sandbox.endpoint import Endpoint, Incoming, Result
from worker.sandbox.inputs import email_input, text_input
from worker.sandbox.pagination import page_of
from worker.sandbox.queries import flag, included, with_status
from worker.sandbox.records import Subscriber
from worker.sandbox.refusals import InvalidError, NotFoundError
from worker.sandbox.sorting import order_of_tagging
from worker.sandbox.state import Account


def list_tags(account: Account, request: Incoming) -> Result:
    """List the account's tags; with `include=subscriber_count` how many active people have each. Lags."""
    page = page_of(account.tags.as_listed(request.now), request.query)
    found = [shapes.tag(row) for row in page.rows]
    if included(request.query, "subscriber_count"):
        people = with_status(account.subscribers.as_listed(request.now), {})
        count = Counter(tag_id for person in people for tag_id in person.tags)
        found = [{**shapes.tag(row), "subscriber_count": count[row.id]} for row in page.rows]
    return 200, {"tags": found, "pagination": page.pagination()}


def create_tag(account: Account, request: Incoming) -> Result:
    """Create a tag: 201, or 200 where one of that name exists."""
    tag, created = account.create_tag(text_input(request.body, "name"), request.now)
    return (201 if created else 200), {"tag": shapes.tag(tag)}


def update_tag(account: Account, request: Incoming) -> Result:
    """Rename a tag."""
    tag = account.tags.rename(request.ids[0], text_input(request.body, "name"), request.now)
    return 200, {"tag": shapes.tag(tag)}


def delete_tag(account: Account, request: Incoming) -> Result:
    """Delete a tag: nobody has it any longer."""
    account.memberships.delete_tag(request.ids[0], request.now)
    return 204, None


def list_tag_subscribers(account: Account, request: Incoming) -> Result:
    """List those who have a tag, active ones only unless a status is given, last tagged first. Lags."""
    tag_id = account.tags.get(request.ids[0]).id
    tagged = [row for row in account.subscribers.as_listed(request.now) if tag_id in row.tags]
    times = {**CREATED, "tagged": lambda row: row.tags[tag_id].at}
    rows = within(with_status(tagged, request.query), request.query, times)
    page = page_of(rows, request.query, order_of_tagging(tag_id))
    listed = shapes.Listed(account, request.now, slim=flag(request.query, "slim"))
    found = [listed.tagged(row, tag_id) for row in page.rows]
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
    account.memberships.untag(request.ids[0], subscriber, request.now)
    return 204, None


def untag_by_id(account: Account, request: Incoming) -> Result:
    """Take a tag off a subscriber by id; 204 too where it was not set."""
    account.memberships.untag(request.ids[0], account.subscriber(request.ids[1]), request.now)
    return 204, None


ROUTES: Mapping[str, Endpoint] = {
    "GET /v4/tags": list_tags,
    "POST /v4/tags": create_tag,
    "PUT /v4/tags/{id}": update_tag,
    "DELETE /v4/tags/{id}": delete_tag,
    "GET /v4/tags/{tag_id}/subscribers": list_tag_subscribers,
    "POST /v4/tags/{tag_id}/subscribers": tag_by_email,
    "DELETE /v4/tags/{tag_id}/subscribers": untag_by_email,
    "POST /v4/tags/{tag_id}/subscribers/{id}": tag_by_id,
    "DELETE /v4/tags/{tag_id}/subscribers/{id}": untag_by_id,
}


def _tag(account: Account, request: Incoming, subscriber: Subscriber) -> Result:
    tagged, is_new = account.memberships.tag(request.ids[0], subscriber, request.now)
    return (201 if is_new else 200), {"subscriber": shapes.tagged(account, tagged, request.ids[0])}


def _named_in_body(account: Account, request: Incoming, purpose: str) -> Subscriber:
    account.tags.get(request.ids[0])
    if request.body.get("email_address") in (None, ""):
        raise InvalidError(f"Either subscriber id or email address is required to {purpose}")
    subscriber = account.with_email(email_input(request.body))
    if subscriber is None:
        raise NotFoundError
    return subscriber
