"""What differs between two texts, as people read it."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.outside.texts import SECRETS
from worker.page.diff import AROUND, MOST, DiffLine, difference

TEXTS = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=30).map("\n".join)


def told(lines: list[DiffLine]) -> list[str]:
    return [f"{line.sign}{line.text}" for line in lines]


def test_what_goes_and_comes_is_told_with_lines_around_it() -> None:
    old = "\n".join(map(str, range(20)))
    lines = difference(old, old.replace("\n9\n", "\nnine\nand more\n"))
    assert told(lines) == [" 6", " 7", " 8", "-9", "+nine", "+and more", " 10", " 11", " 12"]
    assert [line.number for line in lines] == [7, 8, 9, 10, 10, 11, 12, 13, 14]


def test_what_is_far_from_a_change_is_left_out() -> None:
    old = "\n".join(map(str, range(30)))
    lines = told(difference(old, old.replace("\n5\n", "\nfive\n").replace("\n25\n", "\ntwenty-five\n")))
    assert lines.count("…") == 1
    assert "  15" not in lines


@given(TEXTS, TEXTS)
def test_the_new_text_is_told_by_what_stays_and_comes(old: str, new: str) -> None:
    """Whatever differs: lines that come are in the new text, in order, and those that go in the old one."""
    lines = difference(old, new)
    assert (not lines) == (old == new)
    for kinds, text in ((("added", "same"), new), (("removed",), old)):
        for line in lines:
            if line.kind in kinds and line.kind != "same":
                assert text.splitlines()[line.number - 1] == line.text
    numbers = [line.number for line in lines if line.kind in {"added", "same"}]
    assert all(one < other for one, other in pairwise(numbers))
    assert sum(line.kind == "same" for line in lines) <= 2 * AROUND * max(1, len(lines))


def test_a_line_end_alone_is_told_too() -> None:
    assert told(difference("a\nb\n", "a\r\nb\r\n")) == ["…only line ends, or a mark at the beginning, differ"]


def test_large_texts_are_not_compared_line_by_line() -> None:
    old, new = "a\n" * (MOST + 1), "b\n" * (MOST + 1)
    assert len(difference(old, new)) == 2 * (MOST + 1)


def test_what_acts_or_is_secret_is_masked() -> None:
    SECRETS.add("a-very-secret-word")
    assert told(difference("", "\x1b[31mred\na-very-secret-word")) == ["+\\x1b[31mred", "+***"]
