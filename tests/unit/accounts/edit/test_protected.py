"""What an account's admin may not change."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.unit.accounts.edit.files import made_files
from worker.accounts.edit.edits import SetEntry, edited
from worker.accounts.edit.protected import forbidden
from worker.errors import CannotEdit

FILE = "app: sunny\nkit:\n  api_key_env: KIT_A   # the key\nevents:\n  a.b: {add_tags: [A]}\n"


@pytest.mark.parametrize(
    ("new", "names"),
    [
        (FILE, ()),
        ("# other\nkit: {api_key_env: 'KIT_A'}\n'app': sunny\noptions: {timezone: UTC}\nfields:\n", ()),
        (FILE.replace("KIT_A", "KIT_B"), ("kit",)),
        (FILE.replace("sunny", "[sunny]"), ("app",)),
        (FILE.replace("app: sunny\n", ""), ("app",)),
        (FILE + "kit_fields: {A: data.a}\n", ("kit_fields",)),
        (FILE + "other: 1\n", ("other",)),
        (FILE + "app: moon\n", ("app",)),
        (FILE + "app: sunny\n", ("app",)),
        (FILE.replace("sunny", "!!str sunny"), ("app",)),
        (FILE + "!!str kit: {api_key_env: KIT_B}\n", ("!!str kit",)),
        (FILE + "? [a]\n: b\n", ("[a]",)),
        (FILE.replace("app: sunny", "fields: &x moon\napp: *x"), ("app",)),
        (FILE + "<<: {app: moon}\n", ("<<",)),
    ],
)
def test_what_is_an_operators_is_named(new: str, names: tuple[str, ...]) -> None:
    """Given an edit of the whole text, what counts is what it says, however it is written."""
    assert set(forbidden(FILE, new)) == set(names)


def test_what_stands_for_something_elsewhere_is_no_admins() -> None:
    """Given an operator's alias of what stands among the events, no admin may edit that file as a whole."""
    text = "events: {a.b: &x moon}\napp: *x\n"

    assert forbidden(text, text) == ("app",)


@pytest.mark.parametrize("new", ["kit: {", "- a", "", "a: b\n---\n", "kit: *x"])
def test_a_text_that_cannot_be_read_is_refused(new: str) -> None:
    for pair in ((FILE, new), (new, FILE)):
        with pytest.raises(CannotEdit):
            forbidden(*pair)


@given(made_files())
def test_no_edit_of_a_section_is_forbidden(text: str) -> None:
    assert forbidden(text, edited(text, SetEntry("options", "timezone", "Europe/Berlin"))) == ()
