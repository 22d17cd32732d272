"""Checks the values of one account file against each other: contradictions, repetitions, empty entries.

It looks at the file as it is written, not at the checked models, so that these faults are reported together
with all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from worker.accounts.file.errors import KIT_MISSING
from worker.accounts.file.event_checks import event_faults, groups_given, unsaid
from worker.accounts.file.field_checks import field_faults
from worker.accounts.file.kit_model import KIT_WAYS
from worker.accounts.file.source import FileFault, Source, YamlPath
from worker.accounts.file.values import shown
from worker.mapping.options import ANY, NEVER


def cross_faults(source: Source) -> Iterator[FileFault]:
    """Yield the faults that concern several values of the file."""
    data = source.data if isinstance(source.data, dict) else {}
    yield from _kit_faults(source, data.get("kit"))
    yield from _app_faults(source, data.get("app"))
    groups = groups_given(data.get("events"))
    for kind, event in _entries(data.get("events")):
        yield from _own_app_faults(source, kind, data.get("app"))
        yield from unsaid(source, ("events", kind), event, "null to turn it off, or what it does")
        yield from event_faults(source, ("events", kind), event, groups)
    fields, kit_fields = (dict(_entries(data.get(name))) for name in ("fields", "kit_fields"))
    for name, target in fields.items():
        yield from unsaid(
            source, ("fields", name), target, "null to send nothing, or the custom field's name"
        )
    yield from field_faults(source, fields, kit_fields)
    yield from _option_faults(source, data.get("options"))


def _entries(value: object) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, dict) else ()


def _fault(source: Source, path: YamlPath, text: str) -> FileFault:
    return FileFault(source.spot(path), path, text)


def _kit_faults(source: Source, kit: object) -> Iterator[FileFault]:
    if not isinstance(kit, dict):
        return
    ways = sorted((name for name in KIT_WAYS if name in kit), key=lambda name: source.keys[("kit", name)])
    if len(ways) > 1:
        both = f"{', '.join(ways[:-1])} and {ways[-1]}"
        all_of = "both" if len(ways) == 2 else "all"
        yield FileFault(
            source.keys[("kit", ways[-1])], ("kit",), f"{both} {all_of} stand here; keep one of them"
        )
    if not kit:
        yield FileFault(source.spot(("kit",), key=True), ("kit",), KIT_MISSING)


def _app_faults(source: Source, apps: object) -> Iterator[FileFault]:
    seen = set()
    for index, app in enumerate(apps if isinstance(apps, list) else []):
        if isinstance(app, str) and app in seen:
            yield _fault(source, ("app", index), f'"{shown(app)}" stands here twice; delete one of them')
        seen.add(app if isinstance(app, str) else None)


def _own_app_faults(source: Source, kind: str, apps: object) -> Iterator[FileFault]:
    """Refuse a type with the app behind it, as in a routing key: no event would ever have it."""
    base, _, app = kind.rpartition(".")
    if base and app in (apps if isinstance(apps, list) else [apps]):
        said = f"write {shown(base)}; that it is of the app {shown(app)} is said by app: already"
        yield FileFault(source.spot(("events", kind), key=True), ("events", kind), said)


def _option_faults(source: Source, options: object) -> Iterator[FileFault]:
    types = options.get("address_changes") if isinstance(options, dict) else None
    if (
        isinstance(types, list)
        and len(types) > 1
        and (word := next((w for w in (ANY, NEVER) if w in types), ""))
    ):
        path = ("options", "address_changes")
        yield _fault(source, path, f"{word} stands for itself; write {word} alone, or event types without it")
