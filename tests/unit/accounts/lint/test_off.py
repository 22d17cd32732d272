"""Comments that turn a rule of lint off."""

from __future__ import annotations

import pytest

from worker.accounts.lint.off import turned_off


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1 # lint: off one-rule", [("one-rule", 1, 18)]),
        ("a: 1  #lint:off one-rule,two-rules", [("one-rule", 1, 17), ("two-rules", 1, 26)]),
        ("# lint: off one-rule - since we want it\n\n# why\na: 1", [("one-rule", 4, 13)]),
        (
            "  # lint: off one-rule\n  # lint: off two-rules\na: 1",
            [("one-rule", 3, 15), ("two-rules", 3, 15)],
        ),
        ("a: 1\n# lint: off one-rule", [("one-rule", 2, 13)]),
        ("a: 1 # lint: off - why", [("", 1, 6)]),
    ],
)
def test_it_counts_for_its_line_or_alone_for_the_next(text: str, found: list[tuple[str, int, int]]) -> None:
    assert [(off.rule, off.line, off.spot.column) for off in turned_off(text)] == found


@pytest.mark.parametrize(
    "text", ["a: 1 # lint it", "a: x#lint: off y", "# lint: offer one-rule", "# lint off rule"]
)
def test_other_comments_are_comments(text: str) -> None:
    assert turned_off(text) == []
