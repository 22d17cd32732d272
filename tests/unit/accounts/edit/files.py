"""Account files to edit: all that stand in this repository, and made ones as people may write them."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from hypothesis import strategies as st

from tests.unit.accounts.harness import KIT, SHIPPED
from worker.accounts.file.source import read_yaml
from worker.outside.texts import harmless

T = TypeVar("T")
HERE = Path(__file__).parent
ROOT = HERE.parents[3]
SECTIONS = {"app", "kit", "events", "fields", "kit_fields", "options"}


@cache
def repository_files() -> tuple[str, ...]:
    """The texts of all account files: in config/ and examples/, in the guides, and in tests."""
    folders = [SHIPPED / "accounts", ROOT / "examples"]
    texts = [_text(path) for folder in folders for path in sorted(folder.rglob("*.yaml"))]
    for guide in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("examples/**/*.md")]):
        texts += [
            textwrap.dedent(block) for block in re.findall(r"```yaml\n(.*?)```", _text(guide), re.DOTALL)
        ]
    for test in sorted((ROOT / "tests").rglob("*.py")):
        if "node_modules" not in test.parts and HERE not in test.parents:  # where some are made to be refused
            texts += _strings(test)
    whole = [text if re.search(r"^kit:", text, re.MULTILINE) else KIT + text for text in texts]
    return tuple(dict.fromkeys(text for text in whole if _is_account_file(text)))


def _text(path: Path) -> str:
    return path.read_bytes().decode()


def _strings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(_text(path))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and ":" in node.value:
            yield node.value


def _is_account_file(text: str) -> bool:
    source = read_yaml(text)
    is_map = isinstance(source.data, dict) and bool(source.data)
    if not is_map or source.faults or not source.data.keys() <= SECTIONS or text != harmless(text):
        return False
    parts = [source.data.get(name) for name in ("events", "fields", "options")]
    return all(part is None or isinstance(part, dict) for part in parts)


# -- made ones ---------------------------------------------------------------------------------------------

NAMES = st.sampled_from([
    "Active", "Active Member", "Größe M", "日本", "{mk_access_level} access", "no", "1.50", "a: b", "#1",
    "it's", 'say "hi"', "-", "* all", "🎉 party", "x, y", "null", " ",
])  # fmt: skip
TYPES = ["user.signed_up", "order.paid", "subscription.started", "access.granted", "a.b", "ünï.code"]
LISTS = st.lists(NAMES, max_size=3)
RULE = st.fixed_dictionaries(
    {
        "when": st.dictionaries(
            st.sampled_from(["mk_subscription_plan", "data.a.b"]), NAMES | LISTS, min_size=1
        )
    },
    optional={"add_tags": LISTS, "remove_tags": LISTS, "skip": st.booleans()},
)
EVENT = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "add_tags": st.lists(NAMES | st.fixed_dictionaries({"tag": NAMES, "replaces": NAMES}), max_size=3),
        "remove_tags": LISTS,
        "set_fields": st.dictionaries(NAMES, NAMES | st.none() | st.integers(0, 99), max_size=2),
        "rules": st.lists(RULE, max_size=3),
        "at": st.just("mk_subscription_ends_at"),
    },
)
FIELD = st.none() | NAMES | st.fixed_dictionaries({"field": NAMES, "format": st.just("date")})
FIELDS = ["mk_user_id", "data.user.locale", "mk_subscription_plan"]
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Berlin"]),
        "create_missing": st.booleans(),
        "max_created_tags": st.integers(0, 500),
        "address_changes": st.lists(st.sampled_from(TYPES), min_size=1, max_size=2),
    },
)


@st.composite
def made_files(draw: st.DrawFn) -> str:
    """Draw a file with comments, odd indentation, brackets and lines, quotes, and any kind of line end."""
    parts: dict[str, Any] = {
        "kit": {"api_key_env": "KIT_API_KEY"},
        "app": draw(st.just("sunny") | st.just(["sunny", "moon"])),
        "events": draw(st.none() | st.dictionaries(st.sampled_from(TYPES), EVENT, max_size=4)),
        "fields": draw(st.none() | st.dictionaries(st.sampled_from(FIELDS), FIELD, max_size=3)),
        "options": draw(st.none() | OPTIONS),
    }
    names = draw(st.permutations(["kit", *draw(st.sets(st.sampled_from(sorted(parts.keys() - {"kit"}))))]))
    # Drawing each of a file's many choices would take most of the time of a test.
    writer = _Writer(Random(draw(st.integers(0, 2**32))))  # noqa: S311  # no secret is made of it
    for name in names:
        writer.entry(name, parts[name], 0)
    writer.between(0)
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = newline.join(writer.lines)
    return draw(st.sampled_from(["", "\ufeff"])) + text + draw(st.sampled_from(["", newline, newline * 2]))


class _Writer:
    """Writes values as one of the many ways that YAML allows."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lines: list[str] = []

    def one_of(self, *choices: T) -> T:
        return self.random.choice(choices)

    def is_so(self, share: float = 0.5) -> bool:
        return self.random.random() < share

    def between(self, column: int) -> None:
        """Write what means nothing, perhaps."""
        line = self.one_of("", None, None, None, "# note", "  # deeper: [note]", "#- {x: y}")
        if line is not None:
            self.lines.append(" " * column + line if line else "")

    def comment(self) -> str:
        return str(self.one_of("", "", "", " # why", "   # it's: so"))

    def entry(self, name: str, value: Any, column: int) -> None:  # noqa: ANN401  # of any kind
        self.between(column)
        start = " " * column + self.scalar(name) + self.one_of(":", ":", " :")
        if value is None and self.is_so():
            self.lines.append(start + self.comment())
        elif not value or not isinstance(value, dict | list) or self.is_so(0.3):
            self.lines += self.inline(start + self.one_of(" ", "  "), value, column)
        else:
            self.lines.append(start + self.comment())
            self.block(value, column + self.one_of(1, 2, 2, 4))

    def block(self, value: Any, column: int) -> None:  # noqa: ANN401  # of any kind
        if isinstance(value, dict):
            for name, inside in value.items():
                self.entry(name, inside, column)
            return
        for item in value:
            self.between(column)
            if isinstance(item, dict) and item and self.is_so():
                at = len(self.lines)
                for name, inside in item.items():
                    self.entry(name, inside, column + 2)
                first = next(i for i in range(at, len(self.lines)) if self._is_said(self.lines[i]))
                self.lines[first] = " " * column + "- " + self.lines[first].lstrip(" ")
            else:
                self.lines += self.inline(" " * column + "- ", item, column)

    @staticmethod
    def _is_said(line: str) -> bool:
        return bool(line.strip()) and not line.strip().startswith("#")

    def inline(self, start: str, value: Any, column: int) -> list[str]:  # noqa: ANN401  # of any kind
        said = self.flow(value)
        if isinstance(value, list) and len(value) > 1 and self.is_so():
            inside = [" " * (column + 3) + self.flow(each) + "," + self.comment() for each in value]
            return [start + "[" + self.comment(), *inside, " " * (column + 1) + "]" + self.comment()]
        return [start + said + self.comment()]

    def flow(self, value: Any) -> str:  # noqa: ANN401  # of any kind
        gap, comma = self.one_of("", "", " "), self.one_of(", ", ", ", " , ")
        if isinstance(value, dict):
            inside = [f"{self.scalar(name)}: {self.flow(of)}" for name, of in value.items()]
            return "{" + gap + comma.join(inside) + gap + "}"
        if isinstance(value, list):
            return "[" + gap + comma.join(map(self.flow, value)) + gap + "]"
        return self.scalar(value)

    def scalar(self, value: Any) -> str:  # noqa: ANN401  # of any kind
        if value is None:
            return "null" if self.is_so() else "~"
        if not isinstance(value, str):
            return str(value).lower()
        plain = re.fullmatch(r"[^\W\d][\w. ]*\w", value) and value not in ("no", "null")
        double = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        single = "'" + value.replace("'", "''") + "'"
        return str(self.one_of(*([value] * 3 if plain else []), double, single))
