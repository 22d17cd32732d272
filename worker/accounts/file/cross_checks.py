"""Checks the values of one account file against each other: contradictions, repetitions, empty entries.

It looks at the file as it is written, not at the checked models, so that these faults are reported together
with all others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from worker.accounts.file.errors import KIT_MISSING
from worker.accounts.file.kit_model import KIT_WAYS
from worker.accounts.file.source import FileFault, Source, YamlPath
from worker.accounts.file.values import shown
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping import FIRST_NAME
from worker.subscribers.parts import tag_key

DEFAULT_FIELDS: Final[Mapping[str, str]] = {
    name: FIRST_NAME if name == "mk_first_name" else name for name in PLATFORM_FIELDS
}
"""Where each platform field goes unless the account's file says otherwise."""

_PIECES: Final = re.compile(r"(\{[^{}]*\})")


def cross_faults(source: Source) -> Iterator[FileFault]:
    """Yield the faults that concern several values of the file."""
    data = source.data if isinstance(source.data, dict) else {}
    yield from _kit_faults(source, data.get("kit"))
    yield from _app_faults(source, data.get("app"))
    for kind, event in _entries(data.get("events")):
        yield from _own_app_faults(source, kind, data.get("app"))
        yield from _unsaid(source, ("events", kind), event, "null to turn it off, or what it does")
        yield from _event_faults(source, ("events", kind), event)
    for name, target in _entries(data.get("fields")):
        yield from _unsaid(
            source, ("fields", name), target, "null to send nothing, or the custom field's name"
        )
    yield from _field_faults(source, dict(_entries(data.get("fields"))))


def _entries(value: object) -> Iterator[tuple[str, Any]]:
    yield from value.items() if isinstance(value, dict) else ()


def _fault(source: Source, path: YamlPath, text: str) -> FileFault:
    return FileFault(source.spot(path), path, text)


def _unsaid(source: Source, path: YamlPath, value: object, wanted: str) -> Iterator[FileFault]:
    """Refuse a name with nothing after it, more often a forgotten line than a wish to turn it off."""
    if value is None and source.written.get(path) == "":
        yield FileFault(source.spot(path, key=True), path, f"nothing stands after the colon; write {wanted}")


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


def _event_faults(source: Source, path: YamlPath, event: object) -> Iterator[FileFault]:
    if not isinstance(event, dict):
        return
    yield from _tag_faults(source, path, event)
    rules = event.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            place = (*path, "rules", index)
            yield from _tag_faults(source, place, rule)
            if not rule.get("add_tags") and not rule.get("remove_tags"):
                yield _fault(source, place, "the rule does nothing; give it add_tags or remove_tags")


def _tag_faults(source: Source, path: YamlPath, block: Mapping[str, object]) -> Iterator[FileFault]:
    yield from _replacing_faults(source, (*path, "add_tags"), block.get("add_tags"))
    added, removed = (dict(_tags(block.get(name))) for name in ("add_tags", "remove_tags"))
    for name in ("add_tags", "remove_tags"):
        seen: set[str] = set()
        for index, key in _tags_in_order(block.get(name)):
            if key in seen:
                tag = _name_of(block[name][index])  # type: ignore[index]  # a list, or it would have no tags
                yield _fault(
                    source,
                    (*path, name, index),
                    f'"{shown(tag)}" stands in this list twice; delete one (tags compare without case)',
                )
            seen.add(key)
    for key in added.keys() & removed.keys():
        first, second = sorted(
            (source.spot((*path, "add_tags", added[key])), source.spot((*path, "remove_tags", removed[key])))
        )
        tag = _name_of(block["add_tags"][added[key]])  # type: ignore[index]  # as above
        yield FileFault(
            second,
            path,
            f'"{shown(tag)}" is both added and removed (see line {first.line}); keep one of the two',
        )


def _tags_in_order(tags: object) -> Iterator[tuple[int, str]]:
    for index, entry in enumerate(tags if isinstance(tags, list) else []):
        tag = _name_of(entry)
        if isinstance(tag, str) and tag.strip():
            yield index, _template_key(tag)


def _name_of(entry: object) -> object:
    return entry.get("tag") if isinstance(entry, dict) else entry


def _replacing_faults(source: Source, path: YamlPath, tags: object) -> Iterator[FileFault]:
    for index, entry in enumerate(tags if isinstance(tags, list) else []):
        tag = _name_of(entry)
        replaces = isinstance(entry, dict) and entry.get("replaces") is True
        if replaces and isinstance(tag, str) and "{" not in tag:
            said = (
                f'replaces takes off what this entry gave before, and "{shown(tag)}" is always the same '
                'tag; use a name with braces, such as "{mk_access_level} access", or remove_tags'
            )
            yield _fault(source, (*path, index, "replaces"), said)


def _tags(tags: object) -> Iterator[tuple[str, int]]:
    return ((key, index) for index, key in _tags_in_order(tags))


def _template_key(text: str) -> str:
    """Return what is equal for equal templates: words as `tag_key` compares them, placeholders as written."""
    pieces = _PIECES.split(text.strip())
    return "".join(piece if piece.startswith("{") else piece.lower() for piece in pieces)


def _field_faults(source: Source, fields: Mapping[str, object]) -> Iterator[FileFault]:
    taken = {_field_key(target): (name, 0) for name, target in DEFAULT_FIELDS.items() if name not in fields}
    for name, target in fields.items():
        if not isinstance(target, str) or not target.strip():
            continue
        path = ("fields", name)
        key = _field_key(target)
        if key == FIRST_NAME and target.strip() != FIRST_NAME:
            yield _fault(
                source, path, f"write {FIRST_NAME} to mean Kit's own first name, or choose another label"
            )
        elif key in taken:
            yield _fault(source, path, _taken(target, *taken[key]))
        taken.setdefault(key, (name, source.spot(path).line))


def _taken(target: str, name: str, line: int) -> str:
    if line:
        return (
            f"{shown(target)} receives {shown(name)} already, in line {line}; a custom field holds one value"
        )
    return f"{shown(target)} receives {name} by default; choose another name, or add the line {name}: null"


def _field_key(label: str) -> str:
    """Return the key that Kit makes of a label, by which a label and a key are known to be the same field."""
    return re.sub(r"\W+", "_", label.strip().casefold()).strip("_") or tag_key(label)
