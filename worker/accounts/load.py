"""Loads all accounts: every file of the configuration folder, checked against the others.

The way of one file, all in `file/`: `source` (text → values with positions), `model` (their types, and the
JSON Schema), `cross_checks` and `errors` (what is wrong, in sentences), `secrets` (the API key), `read` (the
account).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from worker.accounts.account import Account
from worker.accounts.claims import Held, Rivals
from worker.accounts.file.read import ACCOUNT_NAME, Draft, read_account, read_account_file
from worker.accounts.strangers import without_strangers
from worker.errors import ConfigurationError, Problem

MOST_TOLD: Final = 50
"""Problems of one file that are told one by one, in logs, in `/readyz` and in the ledger."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """All account files, read.

    Attributes:
        accounts: By name, those that are valid, and those that only wait for their secret.
        problems: All problems of all files, in the order of files and lines.
        by_name: The problems of each file that is there, by the account's name; empty for a valid one.
        of_all: Problems that leave open what any file says, such as a folder that cannot be read.
    """

    accounts: Mapping[str, Account]
    problems: tuple[Problem, ...] = ()
    by_name: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    of_all: tuple[Problem, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all accounts that have a file, valid or not."""
        return tuple(sorted({*self.accounts, *filter(ACCOUNT_NAME.fullmatch, self.by_name)}))

    def problems_of(self, name: str) -> tuple[Problem, ...]:
        """Return the problems of one account's file; none where it is valid, or simply not there."""
        return (*self.of_all, *self.by_name.get(name, ()))


def load_accounts(config_dir: Path, environ: Mapping[str, str], held: Held = MappingProxyType({})) -> Loaded:
    """Return the accounts of `config_dir/accounts/*.yaml`, and every problem of these files.

    Args:
        config_dir: The configuration folder; a relative `api_key_file` starts there.
        environ: Where `api_key_env` is looked up.
        held: Who had what before.
    """
    folder = config_dir / "accounts"
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        said = (
            f"this folder cannot be read ({error.strerror}); it holds one file for each Kit account, "
            "such as default.yaml, and CONFIG_DIR names the folder above it"
        )
        problem = Problem(str(folder), said)
        return Loaded({}, (problem,), {}, (problem,))
    drafts = {
        path: read_account_file(path, environ) for path in paths if path.suffix.lower() in (".yaml", ".yml")
    }
    if not drafts:
        said = (
            "this folder holds no account file; create default.yaml in it, with the line kit: and below it, "
            "indented, api_key_env: KIT_API_KEY"
        )
        return Loaded({}, (Problem(str(folder), said),))
    return _loaded(drafts, held)


def parse_account(text: str, path: Path, environ: Mapping[str, str]) -> Account:
    """Return the account that the text of a file describes.

    A missing secret is no error here: the account then has no credential.

    Raises:
        ConfigurationError: The text, or the file's name, is wrong; it carries every problem.
    """
    draft = read_account(text, path, environ)
    if draft.account is None:
        raise ConfigurationError(list(first_of(draft.problems, path)))
    return draft.account


def read_beside(text: str, path: Path, environ: Mapping[str, str], others: Iterable[Account]) -> Draft:
    """Return what a file would be with another text that names the same apps and secrets.

    Args:
        text: Of the file, perhaps with a byte-order mark.
        path: Which file.
        environ: Where secrets are looked up.
        others: The accounts of all files, whose events are not this one's.
    """
    draft = read_account(text.removeprefix("\ufeff"), path, environ)
    if draft.account is None:
        return draft
    named = {kind.rpartition(".")[2] for kind in draft.account.events}
    owners = [each.path for each in others if each.path != path and named.intersection(each.apps)]
    drafts = {path: draft, **{each: read_account_file(each, environ) for each in owners}}
    return without_strangers(drafts)[path]


def _loaded(drafts: Mapping[Path, Draft], held: Held) -> Loaded:
    drafts = without_strangers(drafts)
    refused = Rivals(drafts, held).refused()
    accounts: dict[str, Account] = {}
    by_name: dict[str, tuple[Problem, ...]] = {}
    for path, draft in drafts.items():
        problems = (*by_name.get(path.stem, ()), *draft.problems, *refused.get(path, ()))
        by_name[path.stem] = first_of(problems, path)
        if draft.account is not None and path not in refused:
            accounts[path.stem] = draft.account
    return Loaded(accounts, tuple(problem for found in by_name.values() for problem in found), by_name)


def first_of(problems: tuple[Problem, ...], path: Path) -> tuple[Problem, ...]:
    """Return the first problems of a file, and how many more there are: nobody reads thousands of lines."""
    more = len(problems) - MOST_TOLD
    if more <= 0:
        return problems
    said = f"and {more} more problem{'s' if more > 1 else ''} in this file; mend the ones above first"
    return (*problems[:MOST_TOLD], Problem(str(path), said))
