"""A `Record` as the ledger stores it: JSON that people can read, too. Pure.

An address and Kit's id are not in it: they have columns of their own.
"""

from __future__ import annotations

import json
from typing import Final

import msgspec

from worker.subscribers.record import Record


class UnreadableError(Exception):
    """The text is not what this program wrote."""


class _Stored(Record):
    """A record whose address is still to be told."""

    email: str = ""


_NAMES: Final = [name for name in Record.__struct_fields__ if name not in {"email", "kit_id"}]
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Stored)


def dump_record(record: Record) -> str:
    """Return all of a record but its address and Kit's id."""
    state = {name: value for name in _NAMES if (value := getattr(record, name))}
    try:
        return _ENCODER.encode(state).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        return json.dumps(msgspec.to_builtins(state), separators=(",", ":"))


def load_record(email: str, kit_id: int | None, text: str) -> Record:
    """Return the record that `dump_record` wrote.

    Raises:
        UnreadableError: The text is not what it wrote.
    """
    try:
        record = _decoded(text)
    except (msgspec.MsgspecError, ValueError) as error:
        raise UnreadableError from error
    record.email, record.kit_id = email, kit_id
    return record


def _decoded(text: str) -> Record:
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:  # half of a surrogate pair, perhaps
        return msgspec.convert(json.loads(text), _Stored)
