"""The orders in which subscribers are listed, each with the cursors that hold under it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from worker.sandbox.pagination import BY_ID, Order
from worker.sandbox.queries import choice
from worker.sandbox.records import Subscriber
from worker.sandbox.refusals import InvalidError


def asked_order(query: Mapping[str, str]) -> Order[Subscriber]:
    """The order that `sort_field` and `sort_order` ask for; the newest id first by default.

    Kit's texts for a field or an order that there is not are not published.

    Raises:
        InvalidError: Kit does not sort by that, or not people in that state, or in no such order.
    """
    field = choice(query, "sort_field", list(_FIELDS)) or "id"
    order = choice(query, "sort_order", list(_DESCENDING)) or "desc"
    if field == "cancelled_at" and query.get("status") != "cancelled":
        raise InvalidError("The status param must be `cancelled` if sort_field is `cancelled_at`")
    return _FIELDS[field](_DESCENDING[order])


def order_of_tagging(tag_id: int) -> Order[Subscriber]:
    """Who was tagged last comes first, as the cursors in Kit's own example have it."""

    def place(row: Subscriber) -> tuple[str, int]:
        tagging = row.tags[tag_id]
        return _exact(tagging.at), tagging.number

    return Order(place, (str, int))


def _by_time(time_of: Callable[[Subscriber], str | None], descending: bool) -> Order[Subscriber]:
    return Order(lambda row: (_exact(time_of(row)), row.id), (str, int), descending)


def _exact(at: str | None) -> str:
    return "" if at is None else at.replace("Z", ".000Z")  # as Kit's cursors have times


_DESCENDING = {"asc": False, "desc": True}
_FIELDS: Mapping[str, Callable[[bool], Order[Subscriber]]] = {
    "id": lambda descending: BY_ID if descending else replace(BY_ID, descending=False),
    "updated_at": lambda descending: _by_time(lambda row: row.updated_at, descending),
    "cancelled_at": lambda descending: _by_time(lambda row: row.cancelled_at, descending),
}
