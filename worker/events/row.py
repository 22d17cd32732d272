"""An event as a file has it that somebody imports. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple


class Row(NamedTuple):
    """An event as a file has it.

    Attributes:
        line: Where it begins in the file, from 1.
        routing_key: As the platform would have published it.
        kind: Its type.
        id: As the file gives it; empty where it does not.
        as_of: When it happened, where it does not say so itself.
    """

    line: int
    body: bytes
    routing_key: str
    kind: str
    id: str = ""
    as_of: datetime | None = None
    cloud_event: bool = False
