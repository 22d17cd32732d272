"""What an event does as a form: whatever the file says, a form that nobody touches changes nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import Phase, given, settings

from tests.unit.accounts.edit.files import EVENT, TYPES, made_files, repository_files
from worker.accounts.edit.edits import SetEntry, edited
from worker.accounts.edit.event_form import EventForm, TagRow, default_value, form_of, value_of
from worker.accounts.file.source import read_yaml
from worker.handlers import HANDLERS

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Of so large examples it takes minutes to find the smallest one, and they are short enough to be read."""


def events_in(text: str) -> dict[str, Any]:
    return read_yaml(text.removeprefix("\ufeff")).data.get("events") or {}


def unchanged(text: str) -> int:
    """Open and save each event of a file by a form; returns how many a form can hold."""
    count = 0
    for kind, value in events_in(text).items():
        form = form_of(value)
        if form is not None and value is not None:
            count += 1
            assert edited(text, SetEntry("events", kind, value_of(form, value))) == text
    return count


def test_every_event_of_the_repositorys_files_is_as_it_was_when_nothing_is_changed() -> None:
    assert sum(map(unchanged, repository_files())) > 100


@settings(max_examples=500, phases=PHASES)
@given(made_files())
def test_every_event_of_made_files_is_as_it_was_when_nothing_is_changed(text: str) -> None:
    unchanged(text)


def added_and_taken_back(text: str) -> None:
    """Add a tag to each event by a form, and take it off again by another form."""
    for kind, value in events_in(text).items():
        form = form_of(value)
        if form is None or not isinstance(value, dict) or not value.get("add_tags"):
            continue
        more = EventForm(**{**_parts(form), "adds": (*form.adds, TagRow(None, "Never heard"))})
        new = edited(text, SetEntry("events", kind, value_of(more, value)))
        there = events_in(new)[kind]
        again = form_of(there)
        assert again is not None
        less = EventForm(**{**_parts(again), "adds": again.adds[:-1]})
        assert edited(new, SetEntry("events", kind, value_of(less, there))) == text


def _parts(form: EventForm) -> dict[str, Any]:
    return {name: getattr(form, name) for name in EventForm.__dataclass_fields__}


def test_a_tag_that_is_added_and_taken_off_again_leaves_every_file_of_the_repository_as_it_was() -> None:
    for text in repository_files():
        added_and_taken_back(text)


@settings(max_examples=500, phases=PHASES)
@given(made_files())
def test_a_tag_that_is_added_and_taken_off_again_leaves_made_files_as_they_were(text: str) -> None:
    added_and_taken_back(text)


@given(EVENT)
def test_a_form_says_what_the_file_says(value: dict[str, Any] | None) -> None:
    form = form_of(value)
    assert form is not None
    assert value_of(form, value or {}) == (value or {})


def test_defaults_are_said_as_a_file_would() -> None:
    assert default_value(HANDLERS["subscription.started"].default) == {
        "add_tags": ["Active Member"], "remove_tags": ["Cancelled"],
    }  # fmt: skip
    assert default_value(None) == {}
    assert "order.paid" in TYPES
