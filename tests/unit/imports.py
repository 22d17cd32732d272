"""Reads who imports whom in worker/, without importing anything."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "worker"


@dataclass(frozen=True, slots=True)
class Module:
    """One file of worker/.

    Attributes:
        name: As it is imported: `worker.kit.plan`, and `worker.kit` for its `__init__.py`.
        room: Its package below worker/, or its own name where it lies at the root.
        imports: The modules that it imports: those of worker/ in full, of others the first part.
    """

    name: str
    path: Path
    room: str
    tree: ast.Module
    imports: frozenset[str]

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))


@cache
def modules() -> Mapping[str, Module]:
    """All files of worker/, by name."""
    paths = {_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    found = {}
    for name, path in paths.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = path.relative_to(PACKAGE).parts
        room = inside[0].removesuffix(".py")
        found[name] = Module(name, path, room, tree, frozenset(_imports(tree, paths)))
    return found


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(tree: ast.Module, known: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            imported = [name if name in known else node.module for name in names]
        elif isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        else:
            continue
        yield from (name if name in known else name.partition(".")[0] for name in imported)


def within(module: Module) -> Iterator[Module]:
    """The modules of worker/ that a module imports."""
    yield from (modules()[name] for name in sorted(module.imports) if name in modules())


def others(module: Module) -> set[str]:
    """What a module imports from elsewhere, by the first part of its name."""
    return {name for name in module.imports if name not in modules()}


def chain(start: Module, reached: str) -> str:
    """How a module comes to import something from elsewhere, for people: `a → b → asyncio`."""
    ways: dict[str, tuple[str, ...]] = {start.name: (start.name,)}
    waiting = [start]
    while waiting:
        module = waiting.pop(0)
        if reached in others(module):
            return " → ".join((*ways[module.name], reached))
        for each in within(module):
            if each.name not in ways:
                ways[each.name] = (*ways[module.name], each.name)
                waiting.append(each)
    return start.name


def reach(start: Module) -> list[Module]:
    """A module and all of worker/ that it imports, directly or through others."""
    seen, waiting = {start.name: start}, [start]
    while waiting:
        for each in within(waiting.pop()):
            if each.name not in seen:
                seen[each.name] = each
                waiting.append(each)
    return list(seen.values())
