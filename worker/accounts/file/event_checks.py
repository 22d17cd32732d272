"""Checks what an account file says of each event against itself: contradictions, repetitions, empty rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, TypeAlias

from worker.accounts.file.field_checks import field_key, misspelt_first_name
from worker.accounts.file.rule_model import DOES
from worker.accounts.file.source import FileFault, Source, YamlPath
from worker.accounts.file.values import shown, suggestion
from worker.mapping import FIRST_NAME

_PIECES: Final = re.compile(r"(\{[^{}]*\})")
_WHEN: Final = "a value's name and the value, such as {mk_subscription_plan: Annual}"

Block: TypeAlias = Mapping[str, object]


def unsaid(source: Source, path: YamlPath, value: object, wanted: str) -> Iterator[FileFault]:
    """Yield that nothing stands after a name, more often a forgotten line than a wish to turn it off."""
    if value is None and source.written.get(path) == "":
        yield FileFault(source.spot(path, key=True), path, f"nothing stands after the colon; write {wanted}")


def groups_given(events: object) -> frozenset[str]:
    """Return the names of all groups of tags that any event of the file gives."""
    blocks = [block for event in _values(events) for block in (event, *_rules(event))]
    return frozenset(
        group for block in blocks for _, entry in _entries(block, "add_tags") if (group := _group(entry))
    )


def event_faults(
    source: Source, path: YamlPath, event: object, groups: Collection[str]
) -> Iterator[FileFault]:
    """Yield what is wrong with an event."""
    if not isinstance(event, dict):
        return
    yield from _block_faults(source, path, event, groups)
    if "opens" in event and "closes" in event:
        spot = source.spot((*path, "closes"), key=True)
        yield FileFault(spot, path, "opens and closes both stand here; keep one of them")
    rules = event.get("rules")
    for index, rule in enumerate(rules if isinstance(rules, list) else []):
        if isinstance(rule, dict):
            place = (*path, "rules", index)
            yield from _block_faults(source, place, rule, groups)
            yield from _rule_faults(source, place, rule)


def _values(mapping: object) -> list[object]:
    return list(mapping.values()) if isinstance(mapping, dict) else []


def _rules(event: object) -> list[object]:
    rules = event.get("rules") if isinstance(event, dict) else None
    return rules if isinstance(rules, list) else []


def _fault(source: Source, path: YamlPath, text: str) -> FileFault:
    return FileFault(source.spot(path), path, text)


# -- rules -------------------------------------------------------------------------------------------------


def _rule_faults(source: Source, path: YamlPath, rule: Block) -> Iterator[FileFault]:
    if rule.get("when") is None and rule.get("unless") is None:
        path_of_when = (*path, "when")
        spot = source.spot(path_of_when, key=True)
        nothing = "nothing stands here" if "when" in rule else "is missing"
        yield FileFault(spot, path_of_when, f"{nothing}; a rule needs {_WHEN}, or unless")
    if not any(rule.get(name) for name in DOES) and rule.get("create") is not False:
        others = ", ".join(DOES[2:-1])
        said = f"the rule does nothing; give it add_tags or remove_tags, or {others} or {DOES[-1]}"
        yield _fault(source, path, said)


def _block_faults(
    source: Source, path: YamlPath, block: Block, groups: Collection[str]
) -> Iterator[FileFault]:
    yield from _tag_faults(source, path, block)
    yield from _group_faults(source, path, block, groups)
    yield from _set_faults(source, (*path, "set_fields"), block.get("set_fields"))
    rest = [name for name in ("rules", *DOES) if name != "skip" and block.get(name)]
    if block.get("skip") is True and rest:
        said = f"skips the event, so that nothing of {', '.join(rest)} is done; delete skip, or the rest"
        yield FileFault(source.spot((*path, "skip"), key=True), (*path, "skip"), said)


def _set_faults(source: Source, path: YamlPath, sets: object) -> Iterator[FileFault]:
    seen: dict[str, str] = {}
    for name, value in sets.items() if isinstance(sets, dict) else ():
        place, spot = (*path, name), source.spot((*path, name), key=True)
        yield from unsaid(source, place, value, "null to clear the field, or what it is set to")
        first = seen.setdefault(field_key(name), name)
        if said := misspelt_first_name(name):
            yield FileFault(spot, place, said)
        elif first != name:
            yield FileFault(
                spot, place, f"{shown(name)} is the field {shown(first)}, which stands here already"
            )
        elif name == FIRST_NAME and value is None and source.written.get(place):
            yield FileFault(spot, place, "Kit's own first name is never cleared; delete this entry")


# -- groups ------------------------------------------------------------------------------------------------


def _group(entry: object) -> str:
    replaces = entry.get("replaces") if isinstance(entry, dict) else None
    return replaces.strip() if isinstance(replaces, str) else ""


def _group_faults(
    source: Source, path: YamlPath, block: Block, groups: Collection[str]
) -> Iterator[FileFault]:
    for index, entry in _entries(block, "remove_tags"):
        group = entry.get("group") if isinstance(entry, dict) else None
        if isinstance(group, str) and group.strip() and group.strip() not in groups:
            place = (*path, "remove_tags", index, "group")
            meant = suggestion(group, groups) or "; a group is what add_tags has as {tag: …, replaces: plan}"
            yield _fault(source, place, f"no event gives a tag of a group {shown(group)}{meant}")
    given: dict[str, str] = {}
    for index, entry in _entries(block, "add_tags"):
        group, tag = _group(entry), _name_of(entry)
        if group and isinstance(tag, str):
            first = given.setdefault(group, tag)
            if first is not tag:
                said = (
                    f"people have one tag of {shown(group)} at a time, and {shown(first)} stands here already"
                )
                yield _fault(source, (*path, "add_tags", index), said)


# -- tags --------------------------------------------------------------------------------------------------


def _tag_faults(source: Source, path: YamlPath, block: Block) -> Iterator[FileFault]:
    yield from _replacing_faults(source, (*path, "add_tags"), block)
    added, removed = (dict(_tags(block, name)) for name in ("add_tags", "remove_tags"))
    for name in ("add_tags", "remove_tags"):
        seen: set[str] = set()
        for index, entry in _entries(block, name):
            key = _key_of(entry)
            if key and key in seen:
                tag = shown(_name_of(entry))
                said = f'"{tag}" stands in this list twice; delete one (tags compare without case)'
                yield _fault(source, (*path, name, index), said)
            seen.add(key)
    for key in added.keys() & removed.keys():
        spots = [
            source.spot((*path, "add_tags", added[key][0])),
            source.spot((*path, "remove_tags", removed[key][0])),
        ]
        first, second = sorted(spots)
        said = (
            f'"{shown(added[key][1])}" is both added and removed (see line {first.line}); keep one of the two'
        )
        yield FileFault(second, path, said)


def _entries(block: object, name: str) -> Iterator[tuple[int, object]]:
    entries = block.get(name) if isinstance(block, dict) else None
    yield from enumerate(entries if isinstance(entries, list) else [])


def _tags(block: Block, name: str) -> Iterator[tuple[str, tuple[int, object]]]:
    for index, entry in _entries(block, name):
        if key := _key_of(entry):
            yield key, (index, _name_of(entry))


def _name_of(entry: object) -> object:
    return entry.get("tag") if isinstance(entry, dict) else entry


def _key_of(entry: object) -> str:
    """Return what is equal for equal templates: words as `tag_key` compares them, placeholders as written."""
    name = _name_of(entry)
    pieces = _PIECES.split(name.strip()) if isinstance(name, str) else []
    return "".join(piece if piece.startswith("{") else piece.lower() for piece in pieces)


def _replacing_faults(source: Source, path: YamlPath, block: Block) -> Iterator[FileFault]:
    for index, entry in _entries(block, "add_tags"):
        tag = _name_of(entry)
        replaces = isinstance(entry, dict) and entry.get("replaces") is True
        if replaces and isinstance(tag, str) and "{" not in tag:
            said = (
                f'replaces takes off what this entry gave before, and "{shown(tag)}" is always the same '
                'tag; use a name with braces, such as "{mk_access_level} access", or remove_tags; or name a '
                "group, as in replaces: plan"
            )
            yield _fault(source, (*path, index, "replaces"), said)
