"""Edits of account files: what is asked for changes, and no other byte."""

from __future__ import annotations

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.unit.accounts.edit.edits.checked import EDITS, SECTIONS, check, said
from tests.unit.accounts.edit.files import made_files, repository_files
from tests.unit.accounts.harness import SHIPPED
from worker.accounts.edit.edits import Edit, SetEntry, UnsetEntry, edited, section_text

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Of so large examples it takes minutes to find the smallest one, and they are short enough to be read."""


def test_the_repositorys_files_are_found() -> None:
    """Given that nobody finds them, the next tests would test nothing."""
    assert len(repository_files()) > 100
    assert (SHIPPED / "accounts" / "default.yaml").read_text() in repository_files()


ADDITIONS = (
    SetEntry("events", "order.shipped", {"add_tags": ["A", "{data.x} b"], "rules": [
        {"when": {"data.x": ["a", "no"]}, "add_tags": ["C"], "remove_tags": ["D"]}]}),
    SetEntry("events", "order.shipped", None),
    SetEntry("fields", "data.not.there", "It's: a field"),
    SetEntry("fields", "data.not.there", None),
    SetEntry("options", "max_created_tags", 12345),
)  # fmt: skip


@pytest.mark.parametrize("number", range(len(ADDITIONS)))
def test_every_file_of_the_repository_can_be_added_to_and_is_as_it_was_afterwards(number: int) -> None:
    """Whatever is added and taken out again, the file is byte for byte the same."""
    edit = ADDITIONS[number]
    for text in repository_files():
        if edit.name not in said(text).get(edit.section, {}):
            new = check(text, edit)
            if section_text(text, edit.section).strip() != f"{edit.section}:":
                assert edited(new, UnsetEntry(edit.section, edit.name)) == text


def test_every_entry_of_the_repositorys_files_can_be_changed_and_taken_out() -> None:
    for text in repository_files():
        for section in SECTIONS:
            for name, value in said(text).get(section, {}).items():
                check(text, UnsetEntry(section, name))
                check(text, SetEntry(section, name, None))
                if section == "events":
                    check(text, SetEntry(section, name, {"add_tags": ["X"], "create": False}))
                    more = (
                        {**value, "remove_tags": ["X"]} if isinstance(value, dict) else {"remove_tags": ["X"]}
                    )
                    if "Unclear" not in repr(more):
                        check(text, SetEntry(section, name, more))


@settings(max_examples=500, phases=PHASES)
@given(made_files(), EDITS)
def test_made_files_are_edited_and_reverted_to_the_byte(text: str, edit: Edit) -> None:
    check(text, edit)


@settings(max_examples=60, phases=PHASES)
@given(made_files(), st.lists(EDITS, min_size=2, max_size=6))
def test_many_edits_leave_what_they_say(text: str, edits: list[Edit]) -> None:
    """Given one edit after another, each is made in what the one before has left."""
    new = text
    for edit in edits:
        new = check(new, edit)
    assert new.count("\r\n") in (0, new.count("\n"))
    assert new.startswith("\ufeff") == text.startswith("\ufeff")
