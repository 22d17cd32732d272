"""JSON as it is written: the same value comes out when it is read, whatever text is in it."""

from __future__ import annotations

import json
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from worker.json_text import json_text

texts = st.text(st.characters(exclude_categories=()), max_size=20)  # halves of surrogate pairs, too
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


class _Pair(NamedTuple):
    name: str
    number: int


@given(values)
def test_what_is_written_is_read_again(value: object) -> None:
    assert json.loads(json_text(value)) == value


def test_it_has_no_blanks_and_every_letter_as_it_is() -> None:
    assert json_text({"name": "Zoë", "pairs": [_Pair("a", 1)]}) == '{"name":"Zoë","pairs":[["a",1]]}'


def test_half_of_a_pair_is_written_by_its_number() -> None:
    assert json_text({"name": "\ud800", "pairs": [_Pair("a", 1)]}) == '{"name":"\\ud800","pairs":[["a",1]]}'
