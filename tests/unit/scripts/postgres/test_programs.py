"""Finding PostgreSQL's programs."""

from pathlib import Path

import pytest

from scripts.postgres.programs import find_programs


def install(folder: Path, *programs: str) -> None:
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).touch(mode=0o755)


def test_the_newest_server_is_taken_by_number(tmp_path: Path) -> None:
    """Given 9.6, 15 and 17, and 18 with clients only, it is 17."""
    for version in ("9.6", "15", "17"):
        install(tmp_path / version / "bin", "initdb", "postgres")
    install(tmp_path / "18" / "bin", "psql")
    assert find_programs(tmp_path) == tmp_path / "17" / "bin"


def test_elsewhere_path_leads_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a system that keeps initdb in PATH, perhaps by a link, its neighbours are found with it."""
    install(tmp_path / "pgsql", "initdb", "postgres")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "initdb").symlink_to(tmp_path / "pgsql" / "initdb")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_programs(tmp_path / "nothing") == tmp_path / "pgsql"


def test_without_a_server_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_programs(tmp_path) is None
