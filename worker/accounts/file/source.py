"""Reads YAML with positions: plain values, and where in the file each of them stands.

No tag ever constructs anything. What makes YAML dangerous or surprising is a fault here: aliases, tags,
duplicate keys, a second document, and scalars that YAML 1.1 reads as something else than they look.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from worker.accounts.file.syntax_errors import Spot, TooMuchError, explain

MAX_DEPTH: Final = 20
MAX_NODES: Final = 10_000

YamlPath: TypeAlias = tuple[str | int, ...]
"""The keys and list indices that lead to a value."""

_TAG: Final = "tag:yaml.org,2002:"
_BROKEN: Final = f"{_TAG}broken"
_PLAIN_INTEGER: Final = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")


@dataclass(frozen=True, slots=True)
class Unclear:
    """A scalar that YAML 1.1 does not read as it looks: `no`, `010`, `1.50`, `12:30`, `2026-01-01`.

    Attributes:
        written: As it stands in the file.
        taken_for: What YAML takes it for, in words.
        value: What it means where only true or false can be meant (`no` is false); else None.
    """

    written: str
    taken_for: str
    value: bool | None = None


class FileFault(NamedTuple):
    """Something wrong in the text: where, at which value, and what."""

    spot: Spot
    path: YamlPath
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """A YAML text, read.

    Attributes:
        data: Dictionaries, lists, text, integers, floats, booleans, None and `Unclear`.
        spots: Where each value begins, by its path.
        keys: Where each key of a mapping begins, by the path of its value.
        written: How each scalar is written, by its path; empty where nothing stands.
        faults: What is wrong in the text itself.
        broken: Paths whose value means nothing, because a fault says so already.
    """

    data: Any = None
    spots: dict[YamlPath, Spot] = field(default_factory=dict)
    keys: dict[YamlPath, Spot] = field(default_factory=dict)
    written: dict[YamlPath, str] = field(default_factory=dict)
    faults: list[FileFault] = field(default_factory=list)
    broken: set[YamlPath] = field(default_factory=set)

    def known(self, path: YamlPath) -> YamlPath:
        """Return the longest beginning of a path that leads to a value."""
        while path and path not in self.spots:
            path = path[:-1]
        return path

    def reached(self, path: YamlPath) -> YamlPath:
        """Return a path without the parts that do not stand in the file, since a check has put them there."""
        found: YamlPath = ()
        for part in path:
            found = (*found, part) if (*found, part) in self.spots else found
        return found

    def spot(self, path: YamlPath, *, key: bool = False) -> Spot:
        """Return where a value begins, or its key; of one that is not there, of what would hold it."""
        path = self.known(path)
        first = self.keys if key or not self.written.get(path, "x") else self.spots
        return first.get(path) or self.spots.get(path) or Spot(1, 1)


def read_yaml(text: str) -> Source:
    """Return what a YAML text says; its faults are part of the answer, whatever the text."""
    faults: list[FileFault] = []
    try:
        root = _compose(text, faults)
    # PyYAML lets ValueError and OverflowError through for escapes that are no character.
    except (yaml.YAMLError, TooMuchError, ValueError, OverflowError) as error:
        spot, said = explain(error, text)
        return Source(faults=[*faults, FileFault(spot, (), said)])
    source = Source(faults=faults)
    return source if root is None else replace(source, data=_value(root, (), source))


def _compose(text: str, faults: list[FileFault]) -> Node | None:
    loader = _Loader(text, faults)
    try:
        root = loader.get_node() if loader.check_node() else None
        if loader.check_node():
            said = (
                "a second document begins here (---); one file is one account, so give it a file of its own"
            )
            faults.append(FileFault(Spot.of(loader.next_event().start_mark), (), said))
        return root
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, used only to compose; it bounds depth and number, and refuses sharing."""

    def __init__(self, text: str, faults: list[FileFault]) -> None:
        super().__init__(text)
        self._faults = faults
        self._depth = self._count = 0

    def next_event(self) -> Any:  # noqa: ANN401 - PyYAML's stubs know no common event type
        """Return the event that comes next, and leave it there."""
        return self.peek_event()  # type: ignore[no-untyped-call]  # so it is in PyYAML's stubs

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:  # noqa: ANN401 - PyYAML's own
        """Compose one node, and all that is in it."""
        event = self.next_event()
        self._count += 1
        if self._count > MAX_NODES:
            raise TooMuchError(
                Spot.of(event.start_mark), f"more than {MAX_NODES} entries in one account file"
            )
        if self._depth >= MAX_DEPTH:
            said = f"nested deeper than {MAX_DEPTH} levels; look for brackets that are never closed"
            raise TooMuchError(Spot.of(event.start_mark), said)
        is_alias = isinstance(event, yaml.AliasEvent)
        self._refuse_signs(event, is_alias=is_alias)
        if is_alias:
            self.get_event()  # type: ignore[no-untyped-call]  # so it is in PyYAML's stubs
            return ScalarNode(_BROKEN, "", event.start_mark, event.end_mark)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _refuse_signs(self, event: Any, *, is_alias: bool) -> None:  # noqa: ANN401 - as for next_event
        """Note aliases, anchors and tags as faults, and take them off: one value stands in one place only."""
        signs = {"*": is_alias, "&": not is_alias and event.anchor, "!": getattr(event, "tag", None)}
        for sign in (sign for sign, is_there in signs.items() if is_there):
            said = f"{sign} has a special meaning here; put text that begins with {sign} in quotes"
            self._faults.append(FileFault(Spot.of(event.start_mark), (), said))
        if not is_alias:
            event.anchor, event.tag = None, _BROKEN if event.tag else None


def _value(node: Node, path: YamlPath, source: Source) -> Any:  # noqa: ANN401 - YAML holds anything
    source.spots[path] = Spot.of(node.start_mark)
    if node.tag == _BROKEN:
        source.broken.add(path)
        return None
    if isinstance(node, MappingNode):
        return _mapping(node, path, source)
    if not isinstance(node, ScalarNode):
        return [_value(item, (*path, index), source) for index, item in enumerate(node.value)]
    source.written[path] = node.value if node.style is None else f'"{node.value}"'
    return scalar_value(node)


def _mapping(node: MappingNode, path: YamlPath, source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        spot = Spot.of(key.start_mark)
        if not isinstance(key, ScalarNode):
            said = "brackets stand where a name is expected; put text that begins with { or [ in quotes"
            source.faults.append(FileFault(spot, path, said))
            continue
        if key.tag == _BROKEN:
            continue
        name = (*path, key.value)
        if key.value in found:
            first = source.keys[name].line
            said = f"stands here twice, first in line {first}; put both together, or delete one"
            source.faults.append(FileFault(spot, name, said))
            continue
        source.keys[name] = spot
        found[key.value] = _value(value, name, source)
    return found


def scalar_value(node: ScalarNode) -> str | int | float | bool | Unclear | None:
    """Return what a scalar says."""
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "null":
        return None
    if kind == "int":
        return int(text) if _PLAIN_INTEGER.match(text) else Unclear(text, "a number")
    if kind == "float":
        return _float(text)
    if kind == "bool":
        value = text.lower() in ("true", "yes", "on")
        return value if text.lower() in ("true", "false") else Unclear(text, str(value).lower(), value)
    if kind == "timestamp":
        return Unclear(text, "a date")
    return str(text)


def _float(text: str) -> float | Unclear:
    unclear = Unclear(text, "a number")
    try:
        value = float(text)
    except ValueError:  # .inf, .nan, 1:30.5
        return unclear
    return value if json.dumps(value) == text else unclear
