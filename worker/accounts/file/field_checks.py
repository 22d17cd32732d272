"""Checks which custom fields receive what, over a whole account file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from worker.accounts.file.source import FileFault, Source, YamlPath
from worker.accounts.file.values import shown
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import FIRST_NAME
from worker.subscribers.parts import tag_key

DEFAULT_FIELDS: Final[Mapping[str, str]] = {
    name: FIRST_NAME if name == "mk_first_name" else name for name in PLATFORM_FIELDS
}
"""Where each platform field goes unless the account's file says otherwise."""


def field_key(label: str) -> str:
    """Return the key that Kit makes of a label, by which a label and a key are known to be the same field."""
    return re.sub(r"\W+", "_", label.strip().casefold()).strip("_") or tag_key(label)


def defaults_beside(fields: Mapping[str, Any], kit_fields: Mapping[str, Any]) -> dict[str, str]:
    """Return which platform fields go to a custom field that the file says nothing of, and to which."""
    taken = set(map(field_key, kit_fields))
    left = {name: target for name, target in DEFAULT_FIELDS.items() if name not in fields}
    return {name: target for name, target in left.items() if field_key(target) not in taken}


def field_faults(
    source: Source, fields: Mapping[str, Any], kit_fields: Mapping[str, Any]
) -> Iterator[FileFault]:
    """Yield what is wrong with `fields` and `kit_fields`: a custom field that would receive two values."""
    defaults = defaults_beside(fields, kit_fields)
    taken = {field_key(target): (name, 0) for name, target in defaults.items()}
    for name, value in fields.items():
        target = value.get("field") if isinstance(value, dict) else value
        if isinstance(target, str) and target.strip():
            yield from _target_faults(source, ("fields", name), target, taken)
            taken.setdefault(field_key(target), (name, source.spot(("fields", name)).line))
    for target in kit_fields:
        if target.strip():
            yield from _target_faults(source, ("kit_fields", target), target, taken, key=True)
            spot = source.spot(("kit_fields", target), key=True)
            taken.setdefault(field_key(target), ("what stands there", spot.line))


def _target_faults(
    source: Source,
    path: YamlPath,
    target: str,
    taken: Mapping[str, tuple[str, int]],
    *,
    key: bool = False,
) -> Iterator[FileFault]:
    field, spot = field_key(target), source.spot(path, key=key)
    if said := misspelt_first_name(target):
        yield FileFault(spot, path, said)
    elif field in taken:
        yield FileFault(spot, path, _taken(target, *taken[field]))


def misspelt_first_name(target: str) -> str:
    """Return what to do about a field that is nearly called as Kit's own first name; empty for all others."""
    if field_key(target) == FIRST_NAME and target.strip() != FIRST_NAME:
        return f"write {FIRST_NAME} to mean Kit's own first name, or choose another label"
    return ""


def _taken(target: str, name: str, line: int) -> str:
    if line:
        return (
            f"{shown(target)} receives {shown(name)} already, in line {line}; a custom field holds one value"
        )
    return f"{shown(target)} receives {name} by default; choose another name, or add the line {name}: null"
