"""Kit's endpoints for single custom fields."""

from __future__ import annotations

from collections.abc import Mapping

from worker.sandbox import shapes
from worker.sandbox.endpoint import Endpoint, Incoming, Result
from worker.sandbox.inputs import text_input
from worker.sandbox.pagination import page_of
from worker.sandbox.state import Account


def list_custom_fields(account: Account, request: Incoming) -> Result:
    """List the account's custom fields. Lags."""
    page = page_of(account.custom_fields.as_listed(request.now), request.query)
    found = [shapes.custom_field(row) for row in page.rows]
    return 200, {"custom_fields": found, "pagination": page.pagination()}


def create_custom_field(account: Account, request: Incoming) -> Result:
    """Create a custom field: 201, or 200 where one of that label exists."""
    custom_field, created = account.create_custom_field(text_input(request.body, "label"), request.now)
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
    "GET /v4/custom_fields": list_custom_fields,
    "POST /v4/custom_fields": create_custom_field,
    "PUT /v4/custom_fields/{id}": update_custom_field,
    "DELETE /v4/custom_fields/{id}": delete_custom_field,
}
