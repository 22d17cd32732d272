"""A `Record` as the ledger stores it: JSON that people can read, too. Pure.

It is in two columns, of which a worker of an earlier version knows and writes only the first: what it does
not know stays. An address and Kit's id have columns of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from worker.json_text import json_text
from worker.subscribers.record import Record


class UnreadableError(Exception):
    """The text is not what this program wrote."""


class _Stored(Record):
    """A record whose address is still to be told."""

    email: str = ""


_KNOWN_LATER: Final = (
    "facts", "settled", "base", "tags_off", "fields_off", "unsubscribed", "placed", "moving",
    "held",
)  # fmt: skip
_ELSEWHERE: Final = {"email", "kit_id", *_KNOWN_LATER}
_NAMES: Final = [name for name in Record.__struct_fields__ if name not in _ELSEWHERE]
_DECODER: Final = msgspec.json.Decoder(_Stored)


class StoredRecord(NamedTuple):
    """A record as it is stored.

    Attributes:
        state: The first column.
        facts: The second one: what subscriptions mean, and what is off for good; None where there is nothing.
    """

    state: str
    facts: str | None


def dump_record(record: Record) -> StoredRecord:
    """Return all of a record but its address and Kit's id."""
    later = _set(record, _KNOWN_LATER)
    return StoredRecord(json_text(_set(record, _NAMES)), json_text(later) if later else None)


def _set(record: Record, names: Iterable[str]) -> Mapping[str, Any]:
    return {name: value for name in names if (value := getattr(record, name))}


def load_record(email: str, kit_id: int | None, state: str, facts: str | None = None) -> Record:
    """Return the record that `dump_record` wrote.

    Raises:
        UnreadableError: A text is not what it wrote.
    """
    try:
        record = _decoded(state)
        if facts is not None:
            later = _decoded(facts)
            for name in _KNOWN_LATER:
                setattr(record, name, getattr(later, name))
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableError from error
    record.email, record.kit_id = email, kit_id
    return record


def _decoded(text: str) -> Record:
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:  # half of a surrogate pair, perhaps
        return msgspec.convert(json.loads(text), _Stored)
