"""What commands share."""

from __future__ import annotations

from io import StringIO

import pytest

from worker.commands.common import says_yes


@pytest.mark.parametrize(
    ("typed", "is_yes"), [("y\n", True), ("n\n", False), ("\n", False), ("so\nyes\n", True)]
)
def test_a_question_is_answered_by_whoever_is_there(
    monkeypatch: pytest.MonkeyPatch, typed: str, is_yes: bool
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO(typed))
    assert says_yes("Sure?") is is_yes


def test_whoever_goes_away_has_interrupted_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given an end of input, as Ctrl-D makes it, that is no yes, and no bug of ours (exit code 130)."""
    monkeypatch.setattr("sys.stdin", StringIO(""))
    with pytest.raises(KeyboardInterrupt):
        says_yes("Sure?")
