"""Loads all accounts: every file of the configuration folder, checked against the others.

The way of one file, all in `file/`: `source` (text → values with positions), `model` (their types, and the
JSON Schema), `cross_checks` and `sentences` (what is wrong, in sentences), `secrets` (the API key), `read`
(the account).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from worker.accounts.account import Account
from worker.accounts.file.read import ACCOUNT_NAME, Draft, read_account, read_account_file
from worker.accounts.file.values import shown
from worker.errors import ConfigurationError, Problem
from worker.kit.credentials import AccessToken


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

    def beside(self, running: Mapping[str, Account]) -> Loaded:
        """Return this without the accounts that claim what a running account keeps.

        An account whose file has become invalid runs on as it was, and keeps its apps and its key.

        Args:
            running: The accounts that are running, by name.
        """
        keeps = {
            claim: account.path
            for name, account in running.items()
            if name not in self.accounts and self.problems_of(name)
            for claim in account.claims()
        }
        clashes = {
            name: _waits_for(account, keeps[min(taken)])
            for name, account in self.accounts.items()
            if (taken := account.claims() & keeps.keys())
        }
        if not clashes:
            return self
        return replace(
            self,
            accounts={name: account for name, account in self.accounts.items() if name not in clashes},
            problems=(*self.problems, *clashes.values()),
            by_name={**self.by_name, **{name: (problem,) for name, problem in clashes.items()}},
        )


def _waits_for(account: Account, invalid: Path) -> Problem:
    said = (
        f"waits, because {invalid} is invalid, so that account goes on as it was, and it "
        "has an app or the credential that this file names too; mend that file, or remove it"
    )
    return Problem(str(account.path), said)


def load_accounts(config_dir: Path, environ: Mapping[str, str]) -> Loaded:
    """Return the accounts of `config_dir/accounts/*.yaml`, and every problem of these files.

    Args:
        config_dir: The configuration folder; a relative `api_key_file` starts there.
        environ: Where `api_key_env` is looked up.
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
    return _loaded(drafts)


def parse_account(text: str, path: Path, environ: Mapping[str, str]) -> Account:
    """Return the account that the text of a file describes.

    A missing secret is no error here: the account then has no credential.

    Raises:
        ConfigurationError: The text, or the file's name, is wrong; it carries every problem.
    """
    draft = read_account(text, path, environ)
    if draft.account is None:
        raise ConfigurationError(list(draft.problems))
    return draft.account


def _loaded(drafts: Mapping[Path, Draft]) -> Loaded:
    """Keep of each two accounts that claim the same thing the one whose file comes first by name."""
    accounts: dict[str, Account] = {}
    by_name: dict[str, tuple[Problem, ...]] = {}
    owners: dict[tuple[str, str], Path] = {}
    for path, draft in drafts.items():
        rivals = tuple(_rivalries(path, draft, owners))
        by_name[path.stem] = (*by_name.get(path.stem, ()), *draft.problems, *rivals)
        if draft.account is not None and not rivals:
            accounts[path.stem] = draft.account
            owners |= dict.fromkeys(_claims(draft, draft.account), path)
    problems = tuple(problem for found in by_name.values() for problem in found)
    return Loaded(accounts, problems, by_name)


def _claims(draft: Draft, account: Account) -> Iterator[tuple[str, str]]:
    """Yield what only one account may have; a secret is compared, and never shown."""
    yield from account.claims()
    if draft.secret_place:
        yield "secret's place", draft.secret_place


def _rivalries(path: Path, draft: Draft, owners: Mapping[tuple[str, str], Path]) -> Iterator[Problem]:
    if draft.account is None:
        return
    taken = [(claim, owners[claim]) for claim in _claims(draft, draft.account) if claim in owners]
    for (kind, name), owner in taken:
        if kind == "app":
            yield draft.problem(path, ("app",), _app_taken(name, owner))
    if same_key := [owner for (kind, _), owner in taken if kind != "app"]:
        said = (
            f"the {_secret_of(draft)} is that of {same_key[0]} too; one Kit account is one file, for Kit's "
            "limit is the credential's: list both apps there (app: [one, two]) and delete this file"
        )
        yield draft.problem(path, ("kit",), said)


def _secret_of(draft: Draft) -> str:
    is_token = draft.account is not None and isinstance(draft.account.credential, AccessToken)
    return "access token" if is_token else "API key"


def _app_taken(app: str, owner: Path) -> str:
    if app:
        return f"{shown(app)} belongs to {owner} already; an app's events go to one account"
    return f"{owner} takes the events that name no app already; add app: and a name to one of the files"
