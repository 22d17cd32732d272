"""postgres-ctl without a server of our own."""

from pathlib import Path

import pytest

from scripts.postgres.control import STATE_VARIABLE, State, main


def test_it_touches_no_server_that_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a shell in which with-postgres runs nothing, it says so and exits 4."""
    assert main(["kill"], environment={"POSTGRES_URL": "postgresql+asyncpg://somebody-elses/"}) == 4
    assert "no server to control" in capsys.readouterr().err


def test_an_unknown_command_gets_the_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a command that it does not have, it lists those that it has and signals nobody."""
    path = tmp_path / "state.json"
    State(supervisor=0, port=0, pid_file="", asks_whether_ready=[]).save(path)
    assert main(["destroy"], environment={STATE_VARIABLE: str(path)}) == 2
    assert "Usage: scripts/postgres-ctl" in capsys.readouterr().err
