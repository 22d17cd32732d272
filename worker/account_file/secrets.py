"""Finding an account's API key, in the environment or in a file. No message here repeats a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from worker.account_file.files import read_start

MAX_KEY_BYTES: Final = 4096
_HEADER_VALUE: Final = re.compile(r"[!-~]{1,512}")


class NoSecretError(Exception):
    """There is no usable secret; the text says why and what to do."""


def secret_from_env(name: str, environ: Mapping[str, str]) -> SecretStr:
    """Return the API key that an environment variable holds.

    Raises:
        NoSecretError: It is not set, or holds what cannot be a key.
    """
    key = environ.get(name, "").strip()
    if not key:
        raise NoSecretError(
            f"the environment variable {name} is not set; set it to the API key, for example in .env"
        )
    return _checked(key, f"the environment variable {name}")


def secret_from_file(path: Path) -> SecretStr:
    """Return the API key that a file holds.

    Raises:
        NoSecretError: There is no such file, it cannot be read, or it holds what cannot be a key.
    """
    try:
        content = read_start(path, MAX_KEY_BYTES)
    except FileNotFoundError as error:
        said = f"the file {path} does not exist; write the API key into it, or correct the path"
        raise NoSecretError(said) from error
    except OSError as error:
        said = f"the file {path} cannot be read ({error.strerror}); let the worker's user read it"
        raise NoSecretError(said) from error
    key = content.decode("utf-8-sig", errors="replace").strip()
    if not key:
        raise NoSecretError(f"the file {path} is empty; write the API key into it")
    return _checked(key, f"the file {path}")


def _checked(key: str, where: str) -> SecretStr:
    """Refuse what cannot be sent as a header, such as two lines, or quotes from a word processor."""
    if not _HEADER_VALUE.fullmatch(key):
        raise NoSecretError(
            f"{where} holds something that cannot be an API key, which is one word of plain letters, digits "
            "and signs; copy the key from Kit again"
        )
    return SecretStr(key)
