"""Account files that nobody wrote: parts of real ones, put together, left out and changed at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from typing import Any, Final

import yaml

from tests.unit.accounts.harness import KIT, parse
from worker.errors import ConfigurationError

Tree = Any  # of YAML: mappings, lists, scalars
_ODD: Final[tuple[Any, ...]] = (
    "",
    "x",
    "new member",
    "New  Member",
    "{mk_access_level|a} b",
    "10",
    10,
    1.5,
    True,
    None,
    [],
    {},
)
_COMMENTS: Final = ("# lint: off tag-never-removed", "# lint: off", "# lint: off nothing, rules-fight - why")


def mutated(texts: Sequence[str], seed: int) -> Iterator[str]:
    """Yield valid account files without end, each without what it says of its key.

    Args:
        texts: Of real ones.
        seed: For the same files again.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    trees = [yaml.safe_load(text) or {} for text in texts]
    while True:
        tree = deepcopy(chance.choice(trees))
        for _ in range(chance.randint(1, 6)):
            _mutate(tree, trees, chance)
        text = _commented(yaml.safe_dump(tree, allow_unicode=True, sort_keys=False), chance)
        try:
            parse(KIT + text)
        except ConfigurationError:
            continue
        yield text


def _mutate(tree: Tree, trees: Sequence[Tree], chance: random.Random) -> None:
    nodes = [node for node in _nodes(tree) if node]
    others = [node for node in _nodes(chance.choice(trees)) if node]
    if not nodes or not others:
        return
    node, other = chance.choice(nodes), chance.choice(others)
    change: Callable[[Tree, Tree, random.Random], None] = chance.choice(
        (_left_out, _taken_over, _odd, _twice)
    )
    change(node, other, chance)


def _nodes(tree: Tree) -> Iterator[Tree]:
    """Yield each mapping and list of a tree."""
    if isinstance(tree, dict | list):
        yield tree
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _nodes(part)


def _key(node: Tree, chance: random.Random) -> Tree:
    return chance.choice(list(node)) if isinstance(node, dict) else chance.randrange(len(node))


def _left_out(node: Tree, _other: Tree, chance: random.Random) -> None:
    del node[_key(node, chance)]


def _taken_over(node: Tree, other: Tree, chance: random.Random) -> None:
    key = _key(other, chance)
    value = deepcopy(other[key])
    if isinstance(node, dict) and isinstance(other, dict):
        node[key] = value
    elif isinstance(node, list) and isinstance(other, list):
        node.insert(chance.randrange(len(node) + 1), value)


def _odd(node: Tree, _other: Tree, chance: random.Random) -> None:
    node[_key(node, chance)] = deepcopy(chance.choice(_ODD))


def _twice(node: Tree, _other: Tree, chance: random.Random) -> None:
    if isinstance(node, list):
        node.append(deepcopy(chance.choice(node)))
    else:
        one, two = _key(node, chance), _key(node, chance)
        node[one], node[two] = node[two], node[one]


def _commented(text: str, chance: random.Random) -> str:
    lines = text.splitlines()
    for _ in range(chance.randint(0, 2)):
        at = chance.randrange(len(lines) + 1)
        lines.insert(at, chance.choice(_COMMENTS))
    return "\n".join(lines)
