"""YAML with positions: text → plain values, and where in the file each of them stands.

Nothing is ever constructed from a tag, and what makes YAML dangerous or surprising is a fault here: aliases,
tags, duplicate keys, a second document, and scalars that YAML 1.1 takes for something else than they look.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple, NoReturn, TypeAlias

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from worker.yaml_errors import Spot, TooMuch, explain

MAX_DEPTH: Final = 20
MAX_NODES: Final = 20_000

Path: TypeAlias = tuple[str | int, ...]
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


class Fault(NamedTuple):
    """Something wrong in the text: where, at which value, and what."""

    spot: Spot
    path: Path
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
    spots: dict[Path, Spot] = field(default_factory=dict)
    keys: dict[Path, Spot] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    broken: set[Path] = field(default_factory=set)

    def known(self, path: Path) -> Path:
        """Return the longest beginning of a path that leads to a value."""
        while path and path not in self.spots:
            path = path[:-1]
        return path

    def spot(self, path: Path, *, key: bool = False) -> Spot:
        """Return where a value begins, or its key; of one that is not there, of what would hold it."""
        path = self.known(path)
        first = self.keys if key or not self.written.get(path, "x") else self.spots
        return first.get(path) or self.spots.get(path) or Spot(1, 1)


def read_yaml(text: str) -> Source:
    """Return what a YAML text says; its faults are among the answer, whatever the text."""
    loader = None
    try:
        loader = _Loader(text)
        return _read(loader)
    except (yaml.YAMLError, TooMuch, ValueError, OverflowError) as error:
        found = loader.faults if loader else []
        return Source(faults=[*(Fault(spot, (), said) for spot, said in found), Fault(*explain(error, text))])
    finally:
        if loader:
            loader.dispose()


def _read(loader: _Loader) -> Source:
    source = Source()
    if loader.check_node():
        root = loader.get_node()
        if loader.check_node():
            _refuse_second_document(loader, source)
        source = replace(source, data=_value(root, (), source))
    source.faults.extend(Fault(spot, (), said) for spot, said in loader.faults)
    return source


def _refuse_second_document(loader: _Loader, source: Source) -> None:
    spot = Spot.of(loader.peek_event().start_mark)
    said = "a second document begins here (---); one file is one account, so move the rest to a file of its own"
    source.faults.append(Fault(spot, (), said))


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader, used only to compose; it bounds depth and number, and refuses sharing."""

    def __init__(self, text: str) -> None:
        self.faults: list[tuple[Spot, str]] = []
        self._depth = self._count = 0
        super().__init__(text)

    def compose_node(self, parent: Node | None, index: Any) -> Node | None:  # noqa: ANN401 - PyYAML's own signature
        event = self.peek_event()
        self._count += 1
        if self._count > MAX_NODES:
            self._refuse(event, f"more than {MAX_NODES} entries; an account file is far smaller")
        if self._depth >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels; look for brackets that are never closed")
        if isinstance(event, yaml.AliasEvent):
            return self._stand_in()
        self._check_plain(event)
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _stand_in(self) -> Node:
        event = self.get_event()
        self._fault(event, "*")
        return ScalarNode(_BROKEN, "", event.start_mark, event.end_mark)

    def _check_plain(self, event: Any) -> None:  # noqa: ANN401 - PyYAML's stubs know no common event type
        if event.anchor is not None:
            self._fault(event, "&")
            event.anchor = None
        if event.tag is not None:
            self._fault(event, "!")
            event.tag = _BROKEN

    def _fault(self, event: Any, sign: str) -> None:  # noqa: ANN401 - as above
        said = f"{sign} has a special meaning in YAML, which is not supported here; put text that begins with {sign} in quotes"
        self.faults.append((Spot.of(event.start_mark), said))

    @staticmethod
    def _refuse(event: Any, said: str) -> NoReturn:  # noqa: ANN401 - as above
        raise TooMuch(Spot.of(event.start_mark), said)


def _value(node: Node, path: Path, source: Source) -> Any:  # noqa: ANN401 - YAML holds anything
    source.spots[path] = Spot.of(node.start_mark)
    if node.tag == _BROKEN:
        source.broken.add(path)
        return None
    if isinstance(node, MappingNode):
        return _mapping(node, path, source)
    if isinstance(node, SequenceNode):
        return [_value(item, (*path, index), source) for index, item in enumerate(node.value)]
    source.written[path] = node.value if node.style is None else f"“{node.value}”"
    return _scalar(node)


def _mapping(node: MappingNode, path: Path, source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        spot = Spot.of(key.start_mark)
        if not isinstance(key, ScalarNode):
            said = "braces or brackets stand where a name is expected; put text that begins with { or [ in quotes"
            source.faults.append(Fault(spot, path, said))
            continue
        if key.tag == _BROKEN:
            continue
        name = (*path, key.value)
        if key.value in found:
            first = source.keys[name].line
            said = f"stands here twice, first in line {first}; keep one, since YAML would silently forget the other"
            source.faults.append(Fault(spot, name, said))
            continue
        source.keys[name] = spot
        found[key.value] = _value(value, name, source)
    return found


def _scalar(node: ScalarNode) -> str | int | float | bool | Unclear | None:
    kind, text = node.tag.removeprefix(_TAG), node.value
    if kind == "null":
        return None
    if kind == "int":
        return int(text) if _PLAIN_INTEGER.match(text) else Unclear(text, "a number that looks otherwise")
    if kind == "float":
        return _float(text)
    if kind == "bool":
        value = text.lower() in ("true", "yes", "on")
        return value if text.lower() in ("true", "false") else Unclear(text, str(value).lower(), value)
    if kind == "timestamp":
        return Unclear(text, "a date")
    return str(text)


def _float(text: str) -> float | Unclear:
    unclear = Unclear(text, "a number that looks otherwise")
    try:
        value = float(text)
    except ValueError:  # .inf, .nan, 1:30.5
        return unclear
    return value if json.dumps(value) == text else unclear
