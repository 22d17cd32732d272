"""The account files of a running worker: read when it starts, and again whenever one of them is saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from worker.accounts.account import Account
from worker.accounts.claims import Held, held_after
from worker.accounts.file.read import Draft, version_of
from worker.accounts.file.secrets import exposed
from worker.accounts.load import Loaded, load_accounts, read_beside
from worker.accounts.watch import ConfigWatch, account_files, fingerprint
from worker.errors import ConfigurationError, Problem


class AccountFiles:
    """Reads the files of a configuration folder, and remembers what a file that is wrong now leaves open.

    Args:
        config_dir: The configuration folder.
        environment: Returns the variables in which secrets are looked up; raises `ConfigurationError`.
        env_file: From which it reads them.

    Attributes:
        held: Who has which app and which secret.
    """

    def __init__(
        self, config_dir: Path, environment: Callable[[], Mapping[str, str]], env_file: Path
    ) -> None:
        self.held: Held = {}
        self._dir = config_dir
        self._environment = environment
        self._env_file = env_file
        self._loaded = Loaded({})
        self._told: set[Problem] = set()
        # Before they are read, so that what is saved meanwhile is noticed.
        self._seen = fingerprint([*account_files(config_dir), env_file])
        self._environ = environment()

    def read(self) -> Loaded:
        """Return all accounts as their files are now; where `.env` cannot be read, its old values stay."""
        problems: tuple[Problem, ...] = ()
        try:
            self._environ = self._environment()
        except ConfigurationError as error:
            problems = error.problems
        found = load_accounts(self._dir, self._environ, self.held)
        self.held = held_after(self.held, found.accounts)
        self._loaded = replace(found, problems=(*problems, *found.problems))
        return self._loaded

    def read_again(self, held: Held) -> Loaded:
        """Return what `read` does where this is who had what, before any of them began."""
        self.held = held
        return self.read()

    def path_of(self, name: str) -> Path:
        """Return where an account's file is."""
        return self._dir / "accounts" / f"{name}.yaml"

    def draft(self, name: str, text: str) -> Draft:
        """Return what an account's file would be with another text, checked as `read` checks it."""
        return read_beside(text, self.path_of(name), self._environ, self._loaded.accounts.values())

    def account_in(self, name: str, text: str) -> Account | None:
        """Return the account that its file, of this text by now, describes; None where that is wrong."""
        known = self._loaded.accounts.get(name)
        if known is not None and known.version == version_of(text.removeprefix("\ufeff")):
            return known
        return self.draft(name, text).account

    def newly_exposed(self) -> list[Problem]:
        """Return the files with secrets that others may use, each once."""
        found = [each for each in exposed(self._secret_files()) if each not in self._told]
        self._told.update(found)
        return found

    def watch(self) -> ConfigWatch:
        """Return what tells when any of these files has changed since `read`."""
        return ConfigWatch(self._watched, self._seen | fingerprint(self._key_files()))

    def _watched(self) -> Iterable[Path]:
        return [*account_files(self._dir), *self._secret_files()]

    def _secret_files(self) -> Iterable[Path]:
        return [self._env_file, *self._key_files()]

    def _key_files(self) -> list[Path]:
        return secret_files(self._loaded)


def secret_files(loaded: Loaded) -> list[Path]:
    """Return the files in which the accounts' keys and tokens are."""
    return sorted({file for account in loaded.accounts.values() for file in account.key_files})
