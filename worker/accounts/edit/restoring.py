"""Goes back to a text that an account's file had before. Pure."""

from __future__ import annotations

from worker.accounts.edit.edits import SetSection, edited, section_text
from worker.accounts.edit.protected import forbidden
from worker.accounts.edit.sections import EDITABLE


def restored(text: str, old: str) -> str:
    """Return a file's text as it was before; what only an operator may change stays as it is now.

    Args:
        text: As it is now.
        old: As it was.

    Raises:
        CannotEdit: One of them cannot be read, so that nobody can tell what an operator has changed.
    """
    if not forbidden(text, old):
        return old
    for section in EDITABLE:
        text = edited(text, SetSection(section, section_text(old, section)))
    return text
