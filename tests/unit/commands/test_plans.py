"""A plan is kept in a file, or the command says why not before it begins what takes long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from worker.commands.exits import UsageError
from worker.commands.plans import check_place, save_plan


def test_what_is_kept_is_there_whole(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    for plan in (b"a longer plan", b"a plan"):
        check_place(path)
        save_plan(path, plan)
        assert path.read_bytes() == plan


def test_to_look_at_a_place_makes_no_file_there(tmp_path: Path) -> None:
    check_place(tmp_path / "plan.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("place", "why"),
    [("missing/plan.json", "No such file or directory"), (".", "Is a directory"), ("file/plan", "Not a dir")],
)
def test_why_nothing_can_be_kept_there_is_said_before_and_while_it_is(
    tmp_path: Path, place: str, why: str
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=f"the plan cannot be kept there: {why}"):
        check_place(tmp_path / place)
    with pytest.raises(UsageError, match=f"the plan cannot be kept there: {why}"):
        save_plan(tmp_path / place, b"a plan")


@pytest.mark.parametrize("command", ["apply", "drift"])
def test_a_command_begins_nothing_whose_plan_could_not_be_kept(
    kit_worker: Command, config_dir: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Given no ledger either, the place is what is told, for that is looked at first."""
    monkeypatch.setenv("LEDGER_URL", f"sqlite+aiosqlite:///{config_dir / 'missing' / 'ledger.db'}")
    ended = kit_worker(command, "sunny", "--save", "missing/plan.json")
    assert (ended.code, ended.out) == (2, "")
    assert "missing/plan.json: the plan cannot be kept there: No such file or directory" in ended.err
