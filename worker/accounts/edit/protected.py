"""What an account's admin may not change in its file, compared by what it says. Pure."""

from __future__ import annotations

from worker.accounts.edit.places import MAP, Meaning, Place, pairs, read_places
from worker.accounts.edit.sections import EDITABLE
from worker.errors import CannotEdit


def forbidden(old_text: str, new_text: str) -> tuple[str, ...]:
    """Return what a new text changes of an account file that an admin may not change: `app`, `kit` and so on.

    What only an operator may write, such as a key that no account file has, is such a part, too.

    Raises:
        CannotEdit: One of the texts cannot be read, so that nobody can tell.
    """
    old, new = _protected(read_places(old_text)), _protected(read_places(new_text))
    names = dict.fromkeys([*(name for name, _ in old), *(name for name, _ in new)])
    return tuple(name for name in names if _of(old, name) != _of(new, name) or _borrows(_of(new, name)))


def _protected(root: Place) -> list[tuple[str, Meaning]]:
    if root.meaning[0] != MAP:
        raise CannotEdit("the file has no sections; an operator has to mend it")
    return [pair for pair in pairs(root.meaning) if pair[0] not in EDITABLE]


def _of(found: list[tuple[str, Meaning]], name: str) -> list[Meaning]:
    return [said for each, said in found if each == name]


def _borrows(said: object) -> bool:
    """Tell whether something stands for what is said elsewhere, perhaps where an admin may write."""
    if not isinstance(said, tuple | list):
        return False
    return (len(said) == 2 and said[0] == "*") or any(map(_borrows, said))
