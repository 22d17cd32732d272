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


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("kit-rejectd", "; did you mean kit_rejected?"),
        ("Delivery_Limit", "; did you mean delivery_limit?"),
        ("nonsense", "; there are delivery_limit, expired, handler_error, identity_conflict,"),
    ],
)
@pytest.mark.parametrize("command", ["list", "replay", "discard", "export"])
def test_a_reason_that_there_is_not_is_refused_with_those_that_there_are(
    kit_worker: Command, command: str, reason: str, meant: str
) -> None:
    """Given a slip, nobody is told that there are no such letters."""
    ended = kit_worker("dead-letters", command, "--reason", reason)

    assert ended.code == 2
    assert f"there is no reason {reason}{meant}" in ended.err


@pytest.mark.parametrize("command", ["list", "replay", "discard", "export"])
def test_an_empty_text_matches_nothing_rather_than_everything(kit_worker: Command, command: str) -> None:
    """Given a variable of a script that is empty, nothing is replayed or deleted by it."""
    ended = kit_worker("dead-letters", command, "--matching", " ")

    assert ended.code == 2
    assert "--matching: say what stands in the reason" in ended.err


def test_how_many_are_named_is_no_bound_of_how_many_are_put_back(kit_worker: Command) -> None:
    ended = kit_worker("dead-letters", "replay", "--all", "--limit", "10")

    assert ended.code == 2
    assert "say --dry-run" in ended.err


def test_a_dry_run_wants_a_selection_and_the_broker_too(kit_worker: Command) -> None:
    assert kit_worker("dead-letters", "replay", "--dry-run").code == 2
    assert kit_worker("dead-letters", "replay", "--dry-run", "--all").code == 4


def test_without_any_account_file_the_account_must_be_said(kit_worker: Command, config_dir: Path) -> None:
    (config_dir / "accounts" / "sunny.yaml").unlink()

    ended = kit_worker("dead-letters", "list")

    assert ended.code == 2
    assert "say --account" in ended.err


def test_remove_is_refused_while_the_file_is_there(kit_worker: Command) -> None:
    ended = kit_worker("remove", "sunny", "--force")

    assert ended.code == 2
    assert "sunny still has its file" in ended.err
