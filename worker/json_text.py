"""JSON as this program writes it for Kit and for its ledger. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec

_ENCODER: Final = msgspec.json.Encoder()


def json_text(value: Any) -> str:  # noqa: ANN401  # whatever JSON can hold
    """Return a value as JSON without blanks."""
    try:
        return _ENCODER.encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and UTF-8 cannot
        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
