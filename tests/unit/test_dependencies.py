"""What worker/ takes from elsewhere: declared in pyproject.toml, and AMQP's libraries in one package."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import packages_distributions
from typing import Final

from tests.unit.imports import ROOT, modules, others

AMQP: Final = {"aio_pika", "aiormq", "pamqp"}


def test_only_the_broker_package_knows_amqp() -> None:
    """Another client for RabbitMQ would be a change of one package."""
    found = {module.room: module.place for module in modules().values() if others(module) & AMQP}
    outside = found.keys() - {"broker"}

    unexpected = sorted(found[room] for room in outside)
    assert not unexpected, f"{unexpected} import AMQP's libraries; ask worker/broker for it"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """The distributions that pyproject.toml asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {normal(re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0]) for each in project["dependencies"]}


def imported() -> set[str]:
    """The distributions that worker/ imports something of."""
    made = packages_distributions()
    names = {name for module in modules().values() for name in others(module)}
    return {normal(made[name][0]) for name in names if name in made} - {"kit-worker"}


def test_what_is_imported_is_declared() -> None:
    """What another package happens to bring along may be gone, or another version, tomorrow."""
    missing = imported() - declared()

    assert not missing, f"declare in pyproject.toml: {sorted(missing)}"


NOT_BY_NAME: Final = {"tzdata": "zoneinfo reads it where the system has no time zones"}


def test_what_is_declared_is_imported() -> None:
    """Nobody installs, and updates, what is not used."""
    idle = declared() - imported()

    unexpected = sorted(idle - NOT_BY_NAME.keys())
    assert not unexpected, f"take out of pyproject.toml: {unexpected}"
    assert NOT_BY_NAME.keys() <= idle, "take out of NOT_BY_NAME what is imported by its name"
