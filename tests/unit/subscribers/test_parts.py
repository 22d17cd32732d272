"""The parts of a change: what is told of a tag is read back from there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.subscribers.parts import TagWish, tag_in, tag_told


@given(st.text(min_size=1))
def test_a_tag_that_is_put_on_is_read_back_whatever_its_name(name: str) -> None:
    assert tag_in(tag_told(TagWish(name, present=True))) == name


@given(st.text())
def test_of_a_tag_that_is_taken_off_none_is_put_on(name: str) -> None:
    assert tag_in(tag_told(TagWish(name, present=False))) == ""


@pytest.mark.parametrize(
    "text", ["", "tag", "tag ", "the subscriber", "first name 'tag x'", "tag '", 'tag "', "tag 'a' 'b'"]
)
def test_what_is_about_no_tag_names_none(text: str) -> None:
    assert tag_in(text) == ""
