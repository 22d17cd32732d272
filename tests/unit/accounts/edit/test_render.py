"""Values written as YAML: whatever they are, they are read as the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.accounts.edit.render import Style, block, inline, scalar
from worker.accounts.file.source import read_yaml

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=12),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(max_size=8), inside, max_size=3),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_in_one_line_is_read_as_itself(value: object) -> None:
    source = read_yaml(f"x: {inline(value)}\n")

    assert source.data == {"x": value}
    assert not source.faults


@given(st.dictionaries(st.text(max_size=8), VALUES, min_size=1, max_size=3), st.sampled_from([1, 2, 4]))
def test_a_value_in_lines_is_read_as_itself(value: dict[str, object], unit: int) -> None:
    source = read_yaml("\n".join(block(value, 0, Style("\n", unit), spread=2)))

    assert source.data == value
    assert not source.faults


@pytest.mark.parametrize(
    ("value", "quote", "written"),
    [
        ("Active Member", "", "Active Member"),
        ("Größe (M)", "", "Größe (M)"),
        ("Active Member", '"', '"Active Member"'),
        ("it's", "'", "'it''s'"),
        ("two\nlines", "'", '"two\\nlines"'),
        ("no", "", '"no"'),
        ("y", "", '"y"'),
        ("2026-01-01", "", '"2026-01-01"'),
        ("1", "", '"1"'),
        ("a: b", "", '"a: b"'),
        ("a #b", "", '"a #b"'),
        ("a ", "", '"a "'),
        ("{x} y", "", '"{x} y"'),
        ("\u00a0\u202e\U000e0041", "", '"\\u00a0\\u202e\\U000e0041"'),
        (True, '"', "true"),
        (None, "", "null"),
        (49.5, "", "49.5"),
    ],
)
def test_one_value_is_written_as_a_person_would(value: object, quote: str, written: str) -> None:
    assert scalar(value, quote) == written
