"""Which RabbitMQ it is, and what is good to know about that version. Pure."""

from __future__ import annotations

import re
from typing import Any, Final, TypeAlias

Version: TypeAlias = tuple[int, ...]

_KNOWN_VERSIONS: Final[tuple[tuple[Version, Version, str], ...]] = (
    (
        (0,),
        (3, 999),
        "before RabbitMQ 4.0 consumers lack priorities: an account stays with its worker until it leaves",
    ),
    (
        (4, 0),
        (4, 1, 1),
        "up to RabbitMQ 4.1.1, a tool that requeues a message can stop an account's queue (#14141)",
    ),
)


def broker_version(properties: Any) -> str:  # noqa: ANN401  # aiormq's field table
    """Return the version that a broker names when it is connected to; empty where it names none."""
    version = properties.get("version", "") if isinstance(properties, dict) else ""
    return version.decode("utf-8", "replace") if isinstance(version, bytes) else str(version)


def version_warnings(version: str) -> tuple[str, ...]:
    """Return what is good to know about a version of RabbitMQ."""
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    return tuple(text for low, high, text in _KNOWN_VERSIONS if numbers and low <= numbers <= high)
