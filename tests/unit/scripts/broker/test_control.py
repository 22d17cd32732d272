"""broker-ctl without a node of our own."""

from pathlib import Path

import pytest

from scripts.broker.control import STATE_VARIABLE, State, main


def test_it_touches_no_broker_that_is_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """Given a shell in which with-broker runs nothing, it says so and exits 4."""
    assert main(["kill"], environment={"AMQP_URL": "amqp://somebody-elses/"}) == 4
    assert "no node to control" in capsys.readouterr().err


def test_an_unknown_command_gets_the_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "state.json"
    State(supervisor=0, port=0, rabbitmqctl=[], environment={}).save(path)
    assert main(["destroy"], environment={STATE_VARIABLE: str(path)}) == 2
    assert "Usage: scripts/broker-ctl" in capsys.readouterr().err


def test_the_state_is_for_our_eyes_only(tmp_path: Path) -> None:
    """Given a saved state, it reads back the same, and nobody else may read it."""
    path = tmp_path / "state.json"
    state = State(supervisor=12, port=20_001, rabbitmqctl=["rabbitmqctl"], environment={"HOME": "/nowhere"})
    state.save(path)
    assert State.load(path) == state
    assert path.stat().st_mode & 0o077 == 0
