"""A `Record` as the ledger stores it: JSON that people can read, too. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from worker.events.event import OrderKey
from worker.subscribers.change import Change, Part, TagWish
from worker.subscribers.record import Held, Moved, Record

Json = Any

_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False)


class UnreadableError(Exception):
    """The text is not what this program wrote."""


def dump_record(record: Record) -> str:
    """Return all of a record but its address and Kit's id, which have columns of their own."""
    state = {
        "tags": {key: [*_tag(held.part), held.at, held.kit_id] for key, held in record.tags.items()},
        "fields": {name: [*_part(held.part), held.at, held.kit_id] for name, held in record.fields.items()},
        "first_name": record.first_name and [*_part(record.first_name.part), record.first_name.at],
        "ensured": _order(record.ensured),
        "gave": {key: _tag(part) for key, part in record.gave.items()},
        "seen": list(record.seen),
        "users": {user: _order(order) for user, order in record.users.items()},
        "owed": _change(record.owed) if record.owed else None,
        "moved": record.moved and [record.moved.to, _order(record.moved.order)],
        "created": record.created,
        "asked": record.asked,
    }
    return _ENCODER.encode({name: value for name, value in state.items() if value})


def load_record(email: str, kit_id: int | None, text: str) -> Record:
    """Return the record that `dump_record` wrote.

    Raises:
        UnreadableError: The text is not what it wrote.
    """
    try:
        return _to_record(email, kit_id, json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableError from error


def _to_record(email: str, kit_id: int | None, state: Mapping[str, Json]) -> Record:
    first_name, moved, owed = state.get("first_name"), state.get("moved"), state.get("owed")
    record = Record(
        email,
        kit_id,
        tags={key: Held(_to_tag(value), *value[-2:]) for key, value in state.get("tags", {}).items()},
        fields={key: Held(_to_part(value), *value[-2:]) for key, value in state.get("fields", {}).items()},
        first_name=Held(_to_part(first_name), first_name[-1]) if first_name else None,
        gave={key: _to_tag(value) for key, value in state.get("gave", {}).items()},
        seen=dict.fromkeys(state.get("seen", [])),
        users={user: _to_order(order) for user, order in state.get("users", {}).items()},
        moved=Moved(moved[0], _to_order(moved[1])) if moved else None,
        created=bool(state.get("created")),
        asked=bool(state.get("asked")),
    )
    if "ensured" in state:
        record.ensured = _to_order(state["ensured"])
    if owed:
        record.owed = _to_change(owed)
    return record


def _order(order: OrderKey) -> list[Json]:
    return [order.sequence, order.time.isoformat(), order.arrival]


def _to_order(value: list[Json]) -> OrderKey:
    return OrderKey(value[0], datetime.fromisoformat(value[1]), value[2])


def _part(part: Part[Any]) -> list[Json]:
    return [part.value, _order(part.order)]


def _to_part(value: list[Json]) -> Part[Any]:
    return Part(value[0], _to_order(value[1]))


def _tag(part: Part[TagWish]) -> list[Json]:
    wish = part.value
    return [wish.name, wish.present, wish.by_placeholder, wish.rule, _order(part.order)]


def _to_tag(value: list[Json]) -> Part[TagWish]:
    name, present, by_placeholder, rule, order = value[:5]
    return Part(TagWish(name, present, by_placeholder, rule), _to_order(order))


def _change(change: Change) -> Mapping[str, Json]:
    return {
        "tags": {key: _tag(part) for key, part in change.tags.items()},
        "fields": {name: _part(part) for name, part in change.fields.items()},
        "first_name": change.first_name and _part(change.first_name),
        "ensure": change.ensure and _part(change.ensure),
    }


def _to_change(value: Mapping[str, Json]) -> Change:
    first_name, ensure = value["first_name"], value["ensure"]
    return Change(
        tags={key: _to_tag(part) for key, part in value["tags"].items()},
        fields={name: _to_part(part) for name, part in value["fields"].items()},
        first_name=_to_part(first_name) if first_name else None,
        ensure=_to_part(ensure) if ensure else None,
    )
