"""An edit of an account's file, looked at in every way."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.unit.accounts.edit.files import EVENT, FIELD, FIELDS, OPTIONS, TYPES
from worker.accounts.edit.edits import Edit, Section, SetEntry, SetSection, UnsetEntry, edited, section_text
from worker.accounts.file.source import read_yaml

SECTIONS: tuple[Section, ...] = ("events", "fields", "options")
EDITS = st.one_of(
    st.builds(SetEntry, st.just("events"), st.sampled_from(TYPES), EVENT),
    st.builds(SetEntry, st.just("fields"), st.sampled_from(FIELDS), FIELD),
    OPTIONS.filter(bool).map(lambda found: SetEntry("options", *next(iter(found.items())))),
    st.builds(UnsetEntry, st.just("events"), st.sampled_from(TYPES)),
    st.builds(UnsetEntry, st.just("fields"), st.sampled_from(FIELDS)),
    st.builds(UnsetEntry, st.just("options"), st.sampled_from(["timezone", "create_missing"])),
)


@cache
def said(text: str) -> dict[str, Any]:
    """What the loader reads in a file; an empty section is as good as none."""
    source = read_yaml(text.removeprefix("\ufeff"))
    assert not source.faults
    return {name: value for name, value in source.data.items() if value or name not in SECTIONS}


def with_edit(data: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """What a file is to say after an edit."""
    section = dict(data.get(edit.section, {}))
    if isinstance(edit, SetEntry):
        section[edit.name] = edit.value
    elif isinstance(edit, UnsetEntry):
        section.pop(edit.name, None)
    return {
        name: value
        for name, value in {**data, edit.section: section}.items()
        if name != edit.section or value
    }


def check(text: str, edit: Edit) -> str:
    """Edit a file, fail unless that is right in every way, and return it."""
    new = edited(text, edit)
    assert said(new) == with_edit(said(text), edit)
    assert edited(new, edit) == new, "to edit twice is to edit once"
    assert edited(new, SetSection(edit.section, section_text(text, edit.section))) == text, (
        "it is not reverted"
    )
    assert outside(new, edit.section) == outside(text, edit.section), "something else has changed"
    return new


def outside(text: str, section: Section) -> str:
    """What stands in a file besides a section."""
    return text if not section_text(text, section) else edited(text, SetSection(section, ""))
