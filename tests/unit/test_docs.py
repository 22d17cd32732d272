"""What the guides list is what the code has."""

import ast
import re
from pathlib import Path

import pytest

from worker.accounts.file.model import account_schema
from worker.accounts.load import parse_account
from worker.cli import COMMANDS
from worker.consumer.report import ENDED
from worker.errors import Reason
from worker.handlers import HANDLERS
from worker.handlers.base import PLATFORM_FIELDS
from worker.mapping.words import NAMES
from worker.metrics import STATES, Metrics
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
MAPPING = (ROOT / "docs/mapping.md").read_text(encoding="utf-8")
EVENTS = (ROOT / "docs/events.md").read_text(encoding="utf-8")
EVERYTHING = "".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
)


CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
DECIDED = re.findall(r"^\| .+ \| `(\S+\.py)` \| `(\w+)` \|$", CONTRIBUTING, re.MULTILINE)


@pytest.mark.parametrize(("file", "name"), DECIDED)
def test_what_decides_is_where_contributing_says(file: str, name: str) -> None:
    text = (ROOT / "worker" / file).read_text(encoding="utf-8")
    assert re.search(rf"(def|class) {name}\b|\b{name}\b.* = |^\s+{name}: ", text, re.MULTILINE)


def log_events() -> set[str]:
    """The names of all log records in the worker's sources."""
    names = set(ENDED.values())
    for path in (ROOT / "worker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=log, attr=level), args=[name, *_]) if level in {
                    "info",
                    "warning",
                    "error",
                    "exception",
                } and ast.unparse(log).endswith("log"):
                    constants = (each for each in ast.walk(name) if isinstance(each, ast.Constant))
                    names |= {each.value for each in constants if isinstance(each.value, str)}
    return names


def metric_names() -> set[str]:
    """The names of all metrics, as Prometheus shows them."""
    families = Metrics().registry.collect()
    return {f"{family.name}_total" if family.type == "counter" else family.name for family in families}


def test_there_is_something_to_compare() -> None:
    assert {"event_applied", "hold_started", "account_removed"} <= log_events()
    assert "kit_worker_events_total" in metric_names()


@pytest.mark.parametrize("name", sorted(log_events() | metric_names() | set(STATES)))
def test_operators_can_look_it_up(name: str) -> None:
    assert f"`{name}`" in OPERATIONS


@pytest.mark.parametrize("name", sorted(field.upper() for field in Settings.model_fields))
def test_every_setting_is_listed(name: str) -> None:
    assert f"| `{name}` |" in OPERATIONS


@pytest.mark.parametrize("example", re.findall(r"^```yaml\n(.*?)^```", MAPPING, re.MULTILINE | re.DOTALL))
def test_every_example_of_the_guide_is_a_valid_file(example: str) -> None:
    text = f"events:\n{example}" if example.startswith("  ") else example
    kit = "" if re.search("^kit:", text, re.MULTILINE) else "kit: {api_key_env: KIT_API_KEY}\n"
    assert parse_account(kit + text, Path("config/accounts/default.yaml"), {}).name == "default"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_explained(reason: Reason) -> None:
    assert f"| `{reason.value}` |" in EVENTS


@pytest.mark.parametrize(("name", "called"), NAMES.items())
def test_what_people_are_told_of_each_platform_field_is_in_the_guide(name: str, called: str) -> None:
    assert f"*{called}* for `{name}`" in " ".join(MAPPING.split())


@pytest.mark.parametrize("name", sorted(PLATFORM_FIELDS))
def test_every_platform_field_is_listed(name: str) -> None:
    assert f"`{name}`" in MAPPING


@pytest.mark.parametrize("kind", list(HANDLERS))
def test_every_event_type_with_a_default_has_its_row(kind: str) -> None:
    assert f"\n| `{kind}` |" in MAPPING, f"add a row for {kind} to the table of defaults in docs/mapping.md"


def keys(schema: object) -> set[str]:
    """All names of properties in a JSON Schema, at any depth."""
    if isinstance(schema, list):
        return {key for item in schema for key in keys(item)}
    if not isinstance(schema, dict):
        return set()
    properties = schema.get("properties")
    own = set(properties) if isinstance(properties, dict) else set()
    return own | {key for item in schema.values() for key in keys(item)}


@pytest.mark.parametrize("key", sorted(keys(account_schema())))
def test_every_key_of_an_account_file_is_explained(key: str) -> None:
    assert key in MAPPING


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_shown(command: str) -> None:
    assert command in EVERYTHING
