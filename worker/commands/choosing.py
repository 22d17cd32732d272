"""Which account a command is about, and the error where that cannot be told."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from worker.accounts.account import Account
from worker.accounts.load import Loaded
from worker.commands.exits import UsageError
from worker.errors import ConfigurationError


def one_account(loaded: Loaded, name: str | None) -> Account:
    """Return the account of that name; without a name, the only one there is.

    Raises:
        UsageError: There is none of that name, or it must be said which one.
        ConfigurationError: Its file is invalid, or there is no file at all.
    """
    if not loaded.names:
        raise ConfigurationError(list(loaded.problems))
    if name is None:
        if len(loaded.names) > 1:
            raise UsageError(f"there are several accounts: say --account with one of {listed(loaded.names)}")
        (name,) = loaded.names
    if name in loaded.accounts:
        return loaded.accounts[name]
    if name not in loaded.names:
        raise unknown_account(name, loaded.names)
    raise ConfigurationError(list(loaded.problems_of(name)))


def unknown_account(name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that no file has."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1)
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"there is {listed(names)}"
        if names
        else "there are no account files"
    )
    return UsageError(f"there is no account {name}; {hint}")


def listed(names: Iterable[str]) -> str:
    """Return names as one text."""
    return ", ".join(sorted(names))
