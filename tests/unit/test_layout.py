"""The house: which package may import which, what is pure, where tests stand, and how long a file of them is.

Each exception stands in a table with its reason, and fails here as soon as the code needs it no longer. What
is in a table called UNTIL_… is wrong, and waits for work that is under way.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

import pytest

from tests.unit.imports import PACKAGE, ROOT, Module, chain, modules, others, reach, within

# -- packages ---------------------------------------------------------------------------------------------

AT_THE_TOP: Final = ("__main__", "cli", "app", "settings")
GROUND: Final = (
    "errors", "clock", "retry", "retrying", "in_turns", "logs", "metrics", "mapping", "files", "json_text",
    "outside",
)  # fmt: skip
FLOORS: Final = (
    AT_THE_TOP, ("commands",), ("demo",), ("page",), ("ops",), ("consumer",), ("dead_letters",),
    ("contract",), ("accounts",), ("kit",), ("ledger",), ("handlers",), ("subscribers",), ("broker",),
    ("events",), GROUND, ("sandbox",),
)  # fmt: skip
"""From top to bottom, as CONTRIBUTING.md draws them: a room needs only those below it, or on its floor."""

UPWARDS: Final = {
    ("commands", "app"): "`kit-worker run` is the app",
    ("commands", "settings"): "every command begins with the settings",
    ("page", "settings"): "who may come in is a setting, and the connection test is about the settings",
    ("ops", "settings"): "the connection test is about the settings themselves",
    ("mapping", "subscribers"): "a mapping makes changes of subscribers",
    ("mapping", "events"): "a mapping reads the values of events",
    ("kit", "settings"): "the settings say where Kit is, and how it may be called",
}
FORBIDDEN: Final = {("demo", "page"): "the demo starts the page as a process, if at all"}
STAND_IN: Final = "sandbox"
USERS_OF_STAND_IN: Final = {"commands", "demo"}


def floor(room: str) -> int:
    return next((number for number, rooms in enumerate(FLOORS) if room in rooms), -1)


def doors() -> Mapping[tuple[str, str], list[str]]:
    """For each room that imports from another one, the imports."""
    found: dict[tuple[str, str], list[str]] = {}
    for module in modules().values():
        for other in within(module):
            if other.room != module.room:
                found.setdefault((module.room, other.room), []).append(f"{module.place} imports {other.name}")
    return found


def is_upwards(door: tuple[str, str]) -> bool:
    above, below = door
    return floor(below) < floor(above) or door in FORBIDDEN


def test_every_package_has_its_floor() -> None:
    """A new package is put into FLOORS first, which is where one decides what it may know."""
    homeless = {module.room for module in modules().values() if floor(module.room) < 0} - {"__init__"}

    assert not homeless, f"put these into FLOORS, and into the house in CONTRIBUTING.md: {sorted(homeless)}"


def test_each_package_imports_only_what_lies_below_it() -> None:
    """What an upper floor knows does not seep into a lower one."""
    wrong = {door: why for door, why in doors().items() if is_upwards(door)} | {
        door: why for door, why in doors().items() if door[1] == STAND_IN and door[0] not in USERS_OF_STAND_IN
    }

    unexpected = [line for door, why in wrong.items() if door not in UPWARDS for line in why]
    assert not unexpected, "\n".join(["these import upwards; move what they need down:", *unexpected])
    _none_is_idle("UPWARDS", UPWARDS, wrong)


def _none_is_idle(table: str, expected: Iterable[object], found: Iterable[object]) -> None:
    idle = [each for each in expected if each not in set(found)]
    assert not idle, f"these are no longer so; take them out of {table}: {idle}"


# -- circles ----------------------------------------------------------------------------------------------


def circle(imports: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_packages_import_each_other_in_no_circle() -> None:
    """Each package can be understood, and tried, without those above it."""
    imports: dict[str, set[str]] = {}
    for above, below in doors():
        imports.setdefault(above, set()).add(below)

    found = circle(imports)
    assert not found, f"each of these imports the one before it: {' → '.join(found)}"


def test_files_import_each_other_in_no_circle() -> None:
    """No file depends on the order in which others happen to be imported."""
    found = circle({name: {each.name for each in within(module)} for name, module in modules().items()})

    assert not found, f"each of these imports the one before it: {' → '.join(found)}"


# -- pure -------------------------------------------------------------------------------------------------

IO: Final = frozenset({
    "aio_pika", "aiohttp", "aiormq", "aiosqlite", "asyncio", "asyncpg", "dotenv", "http", "importlib",
    "logging", "os", "pamqp", "prometheus_client", "random", "secrets", "shutil", "signal", "socket",
    "sqlalchemy", "ssl", "structlog", "subprocess", "sys", "tempfile", "threading", "time", "typer",
})  # fmt: skip
"""Whoever imports one of these may ask the world something, or tell it something."""

READING: Final = frozenset({
    "exists", "glob", "is_dir", "is_file", "iterdir", "open", "read_bytes", "read_text", "stat",
    "write_bytes", "write_text",
})  # fmt: skip
"""Methods of paths that do so; to name a path is pure."""

TELLING_TIME: Final = frozenset({"datetime.now", "datetime.today", "datetime.utcnow", "date.today"})


def says_pure(module: Module) -> bool:
    """Whether a file's docstring says so, or that of its package."""
    around = modules().get(module.name.rpartition(".")[0])
    packages = [around] if around is not None and around.path.name == "__init__.py" else []
    return any(re.search(r"\bPure\b", each.docstring) for each in (module, *packages))


PURE: Final = [module for module in modules().values() if says_pure(module)]


def impurities(module: Module) -> list[str]:
    """What a module reaches that is not pure, each with the way there."""
    reached = reach(module)
    imported = sorted({name for each in reached for name in others(each)} & IO)
    called = [
        f"{each.place}:{node.lineno}: {ast.unparse(node.func)}()"
        for each in reached
        for node in ast.walk(each.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr in READING or ast.unparse(node.func) in TELLING_TIME)
    ]
    return [*(chain(module, name) for name in imported), *called]


def test_the_functional_core_says_that_it_is_pure() -> None:
    """Given that somebody takes the word out of the core's docstrings, the next test would test nothing."""
    said = {module.name.removeprefix("worker.") for module in PURE}

    core = {"mapping", "retry", "events.decode", "subscribers.change", "accounts.interpret", "kit.plan"}
    assert said >= core, f"these are to be pure, and to say so: {sorted(core - said)}"


@pytest.mark.parametrize("module", PURE, ids=[module.place for module in PURE])
def test_what_says_pure_reaches_no_network_file_clock_or_log(module: Module) -> None:
    """A function from a pure file can be called from anywhere, and tested without anything."""
    found = impurities(module)

    assert not found, "\n".join([f"{module.place} says Pure; take the word out, or these imports:", *found])


# -- where things stand -----------------------------------------------------------------------------------

TESTS: Final = ROOT / "tests" / "unit"
STAND_ELSEWHERE: Final = {
    "test_dependencies.py": "about all of worker/, and pyproject.toml",
    "test_docs.py": "about the guides",
    "test_layout.py": "about all of worker/",
    "consumer/test_way_of_an_event.py": "the three stages together",
    "consumer/test_way_of_what_is_later.py": "likewise, for what takes effect later",
    "consumer/test_who_it_is.py": "whom events are about, through the three stages",
    "ops/letters/test_folded.py": "a dry run beside a worker with many events in hand",
    "subscribers/test_any_order.py": "the algebra behind the promise, over the whole core",
    "subscribers/test_people.py": "what people have in the end, from a file to Kit, over the whole core",
    "accounts/test_cookbook.py": "about the recipes of a guide",
    "handlers/test_registry.py": "the registry is the package itself",
    "page/attacks": "the whole page, against those who would get more out of it than they may",
    "sandbox/test_entry_faults.py": "one of the sandbox's faults as a client of bulk calls meets it",
    "sandbox/test_openapi.py": "the whole sandbox against Kit's own document",
    "sandbox/test_tags_and_fields.py": "what the sandbox answers to a client of both",
}


def test_each_unit_test_stands_where_the_file_stands_that_it_tests() -> None:
    """`worker/kit/plan.py` is tested by `tests/unit/kit/test_plan.py`, or by all in `tests/unit/kit/plan/`.

    Those of scripts/ mirror scripts/.
    """
    tests = {path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    astray = {
        str(path.parent) if str(path.parent) in STAND_ELSEWHERE else str(path)
        for path in tests
        if path.parts[0] != "scripts"
        and not (PACKAGE / path.parent / path.name.removeprefix("test_")).exists()
        and not (PACKAGE / f"{path.parent}.py").exists()
    }

    expected = STAND_ELSEWHERE.keys()
    assert astray <= expected, f"there is no such file in worker/ for: {sorted(astray - expected)}"
    _none_is_idle("STAND_ELSEWHERE", expected, astray)


MOST_LINES: Final = 300


def test_no_file_of_tests_is_longer_than_people_read_at_a_sitting() -> None:
    """What grows beyond that is about several subjects, and becomes a folder with one file for each."""
    files = [*TESTS.parent.rglob("*.py"), *(ROOT / "scripts").rglob("*.py")]
    long = sorted(
        str(path.relative_to(ROOT))
        for path in files
        if "node_modules" not in path.parts and path.read_text(encoding="utf-8").count("\n") > MOST_LINES
    )

    assert not long, f"over {MOST_LINES} lines; split by subject: {long}"


def test_each_folder_of_tests_is_in_the_guide() -> None:
    """Whoever adds a folder says what stands there, and what its tests need."""
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `tests/(\w+)` \|", guide, re.MULTILINE))
    kept = {path.name for path in TESTS.parent.iterdir() if path.is_dir() and path.name != "__pycache__"}

    assert told == kept, "the table 'Where a test stands' in CONTRIBUTING.md has to name each"


def test_at_the_root_are_only_the_whole_process_and_the_ground() -> None:
    """A new file has a room; what lies at the root is read first by everybody who is new."""
    loose = {path.stem for path in PACKAGE.glob("*.py")}

    assert loose | {"mapping", "outside"} == {"__init__", *AT_THE_TOP, *GROUND}, (
        "give it a package, or change CONTRIBUTING.md"
    )


def test_no_two_classes_share_a_name() -> None:
    """Who searches for a name finds one thing. The sandbox has words of its own, which are Kit's."""
    places: dict[str, list[str]] = {}
    for module in modules().values():
        if module.room != STAND_IN:
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ClassDef):
                    places.setdefault(node.name, []).append(module.place)
    twice = {name: found for name, found in places.items() if len(found) > 1}

    assert not twice, f"give one of each a name of its own: {twice}"
