"""Records as the first version of the ledger stored them, for the migration to the second. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from worker.events.event import FIRST, OrderKey
from worker.ledger.record_json import UnreadableError
from worker.subscribers.change import NOTHING, Change
from worker.subscribers.parts import Part, TagWish
from worker.subscribers.record import Record
from worker.subscribers.record_parts import KnownPart, Moved

Json = Any


def load_record_v1(text: str) -> Record:
    """Return the record, without its address and Kit's id.

    Raises:
        UnreadableError: The text is not what the first version wrote.
    """
    try:
        return _record(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UnreadableError from error


def _record(state: Mapping[str, Json]) -> Record:
    first_name, moved, owed = state.get("first_name"), state.get("moved"), state.get("owed")
    return Record(
        "",
        tags={key: KnownPart(_tag(value), *value[-2:]) for key, value in state.get("tags", {}).items()},
        fields={key: KnownPart(_part(value), *value[-2:]) for key, value in state.get("fields", {}).items()},
        first_name=KnownPart(_part(first_name), first_name[-1]) if first_name else None,
        ensured=_order(state["ensured"]) if "ensured" in state else FIRST,
        gave={key: _tag(value) for key, value in state.get("gave", {}).items()},
        seen=dict.fromkeys(state.get("seen", [])),
        users={user: _order(order) for user, order in state.get("users", {}).items()},
        owed=_change(owed) if owed else NOTHING,
        moved=Moved(moved[0], _order(moved[1])) if moved else None,
        created=bool(state.get("created")),
        asked=bool(state.get("asked")),
    )


def _order(value: list[Json]) -> OrderKey:
    return OrderKey(value[0], datetime.fromisoformat(value[1]), value[2])


def _part(value: list[Json]) -> Part[Any]:
    return Part(value[0], _order(value[1]))


def _tag(value: list[Json]) -> Part[TagWish]:
    name, present, by_placeholder, rule, order = value[:5]
    return Part(TagWish(name, present, by_placeholder, rule), _order(order))


def _change(value: Mapping[str, Json]) -> Change:
    first_name, ensure = value["first_name"], value["ensure"]
    return Change(
        tags={key: _tag(part) for key, part in value["tags"].items()},
        fields={key: _part(part) for key, part in value["fields"].items()},
        first_name=_part(first_name) if first_name else None,
        ensure=_part(ensure) if ensure else None,
    )
