"""Finds an account's secrets, in the environment or in a file. No message here repeats one."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from worker.accounts.file.source import YamlPath

MAX_BYTES: Final = 4096
_HEADER_VALUE: Final = re.compile(r"[!-~]{1,2048}")


class NoSecretError(Exception):
    """There is no usable secret; the text says why and what to do."""


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

    def read(self, environ: Mapping[str, str]) -> SecretStr:
        """Return the secret.

        Raises:
            NoSecretError: It is not there, cannot be read, or cannot be one.
        """
        return self._checked(self._from_file(self.file) if self.file else self._from_env(environ))

    @property
    def _where(self) -> str:
        return f"the file {self.file}" if self.file else f"the environment variable {self.env}"

    def _from_env(self, environ: Mapping[str, str]) -> str:
        secret = environ.get(self.env, "").strip()
        if not secret:
            raise NoSecretError(f"{self._where} is not set; set it to the {self.what}, for example in .env")
        return secret

    def _from_file(self, file: Path) -> str:
        try:
            content = read_start(file, MAX_BYTES)
        except FileNotFoundError as error:
            said = f"{self._where} does not exist; write the {self.what} into it, or correct the path"
            raise NoSecretError(said) from error
        except OSError as error:
            said = f"{self._where} cannot be read ({error.strerror}); let the worker's user read it"
            raise NoSecretError(said) from error
        secret = content.decode("utf-8-sig", errors="replace").strip()
        if not secret:
            raise NoSecretError(f"{self._where} is empty; write the {self.what} into it")
        return secret

    def _checked(self, secret: str) -> SecretStr:
        """Refuse what cannot be sent as a header, such as two lines, or quotes from a word processor."""
        if not _HEADER_VALUE.fullmatch(secret):
            raise NoSecretError(
                f"{self._where} holds something that cannot be the {self.what}, which is one word of plain "
                "letters, digits and signs; copy it from Kit again"
            )
        return SecretStr(secret)


def read_start(path: Path, limit: int) -> bytes:
    """Return up to `limit` bytes of a file that a person has named.

    Raises:
        OSError: It cannot be read, or is something else than a file: a pipe would block, a device never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is not a file")
    with path.open("rb") as file:
        return file.read(limit)
