"""Finds an account's secrets, in the environment or in a file. No message here repeats one."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from worker.accounts.file.source import YamlPath
from worker.errors import Problem
from worker.files import NoSecretError, file_named, read_secret, secret_named
from worker.outside.texts import SECRETS

CLIENT_ID: Final = "client id"
_KIT_KEY: Final = re.compile(r"(?i)kit_(?=.*[0-9])")
_EXPOSED: Final = (
    "holds secrets, and others than its owner may use it (mode {mode:04o}); chmod 600 {path}, and let it "
    "belong to the worker's user"
)
_HEADER_VALUE: Final = re.compile(r"[!-~]{1,2048}")


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is: in a variable or in a file.

    Attributes:
        at: The key that says so, in the account's file.
        what: What it is, for people.
    """

    at: YamlPath
    what: str
    env: str = ""
    file: Path | None = None

    def __str__(self) -> str:
        """Return what is the same for two files that mean the same secret."""
        return f"file {self.file}" if self.file else f"env {self.env}"

    def found(self, environ: Mapping[str, str]) -> SecretPlace:
        """Return where the secret is in this environment: perhaps in the file that `NAME_FILE` names."""
        file = file_named(self.env, environ)
        if file is None or environ.get(self.env, "").strip():  # where both are set, reading says so
            return self
        return replace(self, env="", file=file)

    def read(self, environ: Mapping[str, str]) -> SecretStr:
        """Return the secret.

        Raises:
            NoSecretError: It is not there, cannot be read, or cannot be one.
        """
        return self._checked(read_secret(self.file, self.what) if self.file else self._from_env(environ))

    @property
    def _where(self) -> str:
        return f"the file {self.file}" if self.file else f"the environment variable {self.env}"

    def _from_env(self, environ: Mapping[str, str]) -> str:
        secret = secret_named(self.env, environ, self.what)
        if not secret:
            raise NoSecretError(f"{self._where} is not set; set it to the {self.what}, for example in .env")
        return secret

    def _checked(self, secret: str) -> SecretStr:
        """Refuse what cannot be sent as a header, such as two lines, or quotes from a word processor."""
        if not _HEADER_VALUE.fullmatch(secret):
            raise NoSecretError(
                f"{self._where} holds something that cannot be the {self.what}, which is one word of plain "
                "letters, digits and signs; copy it from Kit again"
            )
        if self.what == CLIENT_ID and _KIT_KEY.match(secret):
            raise NoSecretError(
                f"{self._where} holds what looks like an API key, and a client id is shown to everybody; put "
                "the id of the app into it, as Kit shows it"
            )
        if self.what != CLIENT_ID:
            SECRETS.add(secret)
        return SecretStr(secret)


def exposed(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yield the files with secrets that users other than their owner may use."""
    for path in paths:
        with suppress(OSError):  # what cannot be read is said by whoever reads it
            if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
                yield Problem(str(path), _EXPOSED.format(path=path, mode=mode))
