"""What `dead-letters` refuses before it asks the broker anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command


@pytest.mark.parametrize("words", [["replay"], ["discard"], ["discard", "--yes"]])
def test_what_changes_something_wants_a_selection(kit_worker: Command, words: list[str]) -> None:
    ended = kit_worker("dead-letters", *words)

    assert ended.code == 2
    assert "or else --all" in ended.err


def test_without_any_account_file_the_account_must_be_said(kit_worker: Command, config_dir: Path) -> None:
    (config_dir / "accounts" / "sunny.yaml").unlink()

    ended = kit_worker("dead-letters", "list")

    assert ended.code == 2
    assert "say --account" in ended.err


def test_remove_is_refused_while_the_file_is_there(kit_worker: Command) -> None:
    ended = kit_worker("remove", "sunny", "--force")

    assert ended.code == 2
    assert "sunny still has its file" in ended.err
