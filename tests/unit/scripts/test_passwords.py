"""`make passwords`: what docker compose needs, written once."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMES = ("RABBITMQ_PASSWORD", "POSTGRES_PASSWORD", "GRAFANA_PASSWORD", "PAGE_TOKEN", "PAGE_SECRET")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/passwords", tmp_path / "scripts")
    shutil.copy(ROOT / ".env.example", tmp_path)
    return tmp_path


def run(project: Path) -> str:
    done = subprocess.run([project / "scripts/passwords"], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout


def values(project: Path) -> dict[str, str]:
    text = (project / ".env").read_text(encoding="utf-8")
    return dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))


def test_a_new_env_has_the_example_with_a_password_for_each_service(project: Path) -> None:
    said = run(project)

    found = values(project)
    assert len({found[name] for name in NAMES}) == len(NAMES)
    assert all(re.fullmatch("[0-9a-f]{32}", found[name]) for name in NAMES)
    assert not any(found[name] in said for name in NAMES)
    assert "# Calls to Kit at once, per account." in (project / ".env").read_text(encoding="utf-8")
    assert (project / ".env").stat().st_mode & 0o777 == 0o600


def test_what_is_there_stays(project: Path) -> None:
    """Given passwords that volumes were made with, another one would lock the worker out."""
    (project / ".env").write_text(
        "POSTGRES_PASSWORD=mine\nKIT_API_KEY=key\nRABBITMQ_PASSWORD=", encoding="utf-8"
    )
    (project / ".env").chmod(0o644)

    run(project)
    first = values(project)
    run(project)

    assert (first["POSTGRES_PASSWORD"], first["KIT_API_KEY"]) == ("mine", "key")
    assert first["RABBITMQ_PASSWORD"]
    assert values(project) == first
    assert (project / ".env").read_text(encoding="utf-8").count("RABBITMQ_PASSWORD=") == 1
    assert (project / ".env").stat().st_mode & 0o777 == 0o600
