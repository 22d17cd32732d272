"""Telling a PostgreSQL from anything else that listens, and finding its programs."""

from pathlib import Path

import pytest

from scripts.machine import free_port
from scripts.postgres import find_programs, url_answers
from tests.unit.scripts.listening import HTTP_REFUSAL, listening


@pytest.mark.parametrize(
    ("answer", "is_a_server"), [(b"S", True), (b"N", True), (HTTP_REFUSAL, False), (b"", False)]
)
def test_only_a_server_that_answers_about_tls_is_one(answer: bytes, is_a_server: bool) -> None:
    with listening(answer) as port:
        assert url_answers(f"postgresql+asyncpg://kit@127.0.0.1:{port}/kit") is is_a_server


def test_nothing_answers_where_nothing_listens() -> None:
    port = free_port()
    assert not url_answers(f"postgresql+asyncpg://kit@127.0.0.1:{port}/kit")


def install(folder: Path, *programs: str) -> None:
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).touch(mode=0o755)


def test_the_newest_postgresql_is_taken_by_number(tmp_path: Path) -> None:
    """Given 9.6, 15 and 17, and 18 with clients only, it is 17."""
    for version in ("9.6", "15", "17"):
        install(tmp_path / version / "bin", "initdb", "postgres")
    install(tmp_path / "18" / "bin", "psql")
    assert find_programs(tmp_path) == tmp_path / "17" / "bin"


def test_elsewhere_path_leads_to_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a system that keeps initdb in PATH, perhaps by a link, its neighbours are found with it."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    assert find_programs(tmp_path / "nothing") is None
    install(tmp_path / "pgsql", "initdb", "postgres")
    (tmp_path / "bin" / "initdb").symlink_to(tmp_path / "pgsql" / "initdb")
    assert find_programs(tmp_path / "nothing") == tmp_path / "pgsql"
