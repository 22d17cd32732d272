"""Kit's endpoints for what people are added to: forms, landing pages and sequences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from worker.sandbox import shapes
from worker.sandbox.dates import CREATED, within
from worker.sandbox.endpoint import Endpoint, Incoming, Result
from worker.sandbox.inputs import email_input, text_input
from worker.sandbox.pagination import page_of
from worker.sandbox.queries import choice, flag, included, with_status
from worker.sandbox.records import EmailSequence, Form, Subscriber
from worker.sandbox.refusals import InvalidError, NotFoundError
from worker.sandbox.state import Account

FORM_TYPES = ("embed", "hosted")
FORM_STATES = ("active", "archived", "trashed", "all")  # nothing is ever trashed here


@dataclass(frozen=True, slots=True)
class Group:
    """Forms, or sequences: Kit's word for one, and where an account has them."""

    word: str
    find: Callable[[Account, int], Form | EmailSequence]


FORMS = Group("form", lambda account, form_id: account.forms.get(form_id))
SEQUENCES = Group("sequence", lambda account, sequence_id: account.sequences.get(sequence_id))


def list_forms(account: Account, request: Incoming) -> Result:
    """List forms and landing pages: active ones unless a status is given, one `type` where one is. Lags."""
    query = request.query
    kind, status = choice(query, "type", FORM_TYPES), choice(query, "status", FORM_STATES) or "active"
    states = {"active": (False,), "archived": (True,), "trashed": (), "all": (False, True)}[status]
    rows = [row for row in account.forms.as_listed(request.now) if row.archived in states]
    page = page_of([row for row in rows if kind in (None, row.type)], query)
    found = [shapes.form(row) for row in page.rows]
    if included(query, "subscriber_count"):
        people = with_status(account.subscribers.as_listed(request.now), {})
        found = [
            {**shown, "subscriber_count": sum(row.id in person.added for person in people)}
            for row, shown in zip(page.rows, found, strict=True)
        ]
    return 200, {"forms": found, "pagination": page.pagination()}


def list_sequences(account: Account, request: Incoming) -> Result:
    """List sequences. Lags."""
    page = page_of(account.sequences.as_listed(request.now), request.query)
    return 200, {
        "sequences": [shapes.sequence(row) for row in page.rows],
        "pagination": page.pagination(),
    }


def list_added(group: Group, account: Account, request: Incoming) -> Result:
    """List those who were added, active ones only unless a status is given. Lags."""
    group_id = group.find(account, request.ids[0]).id
    rows = [row for row in account.subscribers.as_listed(request.now) if group_id in row.added]
    times = {**CREATED, "added": lambda row: row.added[group_id].at}
    page = page_of(within(with_status(rows, request.query), request.query, times), request.query)
    listed = shapes.Listed(account, request.now, slim=flag(request.query, "slim"))
    found = [listed.added(row, group_id) for row in page.rows]
    return 200, {"subscribers": found, "pagination": page.pagination()}


def add_by_email(group: Group, account: Account, request: Incoming) -> Result:
    """Add the subscriber with that address, who must exist."""
    group.find(account, request.ids[0])
    if request.body.get("email_address") in (None, ""):
        raise InvalidError(
            f"Either subscriber id or email address is required to add subscriber to {group.word}"
        )
    subscriber = account.with_email(email_input(request.body))
    if subscriber is None:
        raise NotFoundError
    return _add(group, account, request, subscriber)


def add_by_id(group: Group, account: Account, request: Incoming) -> Result:
    """Add a subscriber by id."""
    return _add(group, account, request, account.subscriber(request.ids[1]))


def _add(group: Group, account: Account, request: Incoming, subscriber: Subscriber) -> Result:
    to = group.find(account, request.ids[0])
    referrer = text_input(request.body, "referrer") or None
    added, is_new = account.memberships.add(to, subscriber, request.now, referrer)
    return (201 if is_new else 200), {
        "subscriber": {**shapes.subscriber(account, added), **shapes.addition(added, to.id)}
    }


def _routes(group: Group) -> Mapping[str, Endpoint]:
    path = f"/v4/{group.word}s/{{{group.word}_id}}/subscribers"
    return {
        f"GET {path}": partial(list_added, group),
        f"POST {path}": partial(add_by_email, group),
        f"POST {path}/{{id}}": partial(add_by_id, group),
    }


ROUTES: Mapping[str, Endpoint] = {
    "GET /v4/forms": list_forms,
    "GET /v4/sequences": list_sequences,
    **_routes(FORMS),
    **_routes(SEQUENCES),
}
