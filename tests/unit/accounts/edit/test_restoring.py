"""Going back to a text: what an admin may change is as it was, and what an operator changed since stays."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.unit.accounts.edit.edits.checked import EDITS, said
from tests.unit.accounts.edit.files import made_files, repository_files
from worker.accounts.edit.edits import Edit, edited, section_text
from worker.accounts.edit.restoring import restored
from worker.accounts.edit.sections import EDITABLE
from worker.errors import CannotEdit

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
OLD = "kit: {api_key_env: KIT_API_KEY}\nevents:\n  a.b: null  # old\n"


@settings(max_examples=500, phases=PHASES)
@given(made_files(), EDITS)
def test_to_go_back_after_an_edit_is_the_same_to_the_byte(text: str, edit: Edit) -> None:
    assert restored(edited(text, edit), text) == text


@settings(max_examples=20, phases=PHASES)
@given(st.data())
def test_to_go_back_after_an_edit_of_a_file_of_the_repository_is_the_same(data: st.DataObject) -> None:
    for text in repository_files()[::9]:
        assert restored(edited(text, data.draw(EDITS)), text) == text


def test_what_an_operator_changed_since_stays() -> None:
    new = "app: moon\nkit: {api_key_env: KIT_OTHER}  # new\nevents:\n  c.d: null\noptions:\n  timezone: UTC\n"
    text = restored(new, OLD)
    assert text == "app: moon\nkit: {api_key_env: KIT_OTHER}  # new\nevents:\n  a.b: null  # old\n"
    assert {name for name in EDITABLE if section_text(text, name)} == {"events"}
    assert said(text)["events"] == {"a.b": None}


@pytest.mark.parametrize(("text", "old"), [("kit: {", OLD), (OLD, "kit: {"), ("", OLD)])
def test_a_text_that_cannot_be_read_is_nothing_to_go_back_from_or_to(text: str, old: str) -> None:
    with pytest.raises(CannotEdit):
        restored(text, old)
