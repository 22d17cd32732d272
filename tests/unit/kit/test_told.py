"""What the history tells of values is read back as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from worker.kit.told import MAX_TOLD, told, values_told

NAMES = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(
    lambda name: name.isprintable() and " cleared" not in name and "'" not in name and '"' not in name
)


@given(st.dictionaries(NAMES, st.none() | st.text(max_size=MAX_TOLD), min_size=1, max_size=5))
def test_whatever_is_told_is_read_back(values: dict[str, str | None]) -> None:
    assert values_told(", ".join(told(name, value) for name, value in values.items())) == values


def test_a_value_that_was_cut_is_not_known() -> None:
    line = ", ".join((told("a", "x" * (MAX_TOLD + 1)), told("b", "y")))
    assert values_told(line) == {"b": "y"}


def test_other_lines_tell_no_values() -> None:
    for line in ("", "tag 'Buyer' off", "the subscriber", "a 'x', and more", "unsubscribed"):
        assert values_told(line) in ({}, {"tag": "Buyer"}), line
