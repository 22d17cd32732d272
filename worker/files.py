"""Reads files that a person has named; whatever is there instead, the error is a sentence about it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from worker.errors import ConfigurationError, Problem

MAX_FILE_BYTES: Final = 1024 * 1024
MAX_SECRET_BYTES: Final = 4096


class NoSecretError(Exception):
    """There is no usable secret; the text says why and what to do, and repeats none."""


def read_start(path: Path, limit: int) -> bytes:
    """Return up to `limit` bytes of a file that a person has named.

    Raises:
        OSError: It cannot be read, or is something else than a file: a pipe would block, a device never end.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(0, "it is not a file")
    with path.open("rb") as file:
        return file.read(limit)


def read_text(path: Path, what: str, *, if_absent: str | None = None) -> str:
    """Return the text of a file, without its byte order mark.

    Args:
        path: Where it is.
        what: What it is, with its article, for people.
        if_absent: What stands for it where there is no such file; without it, that is an error.

    Raises:
        ConfigurationError: It cannot be read, is far too large, or is not UTF-8.
    """
    try:
        content = read_start(path, MAX_FILE_BYTES + 1)
    except OSError as error:
        if if_absent is not None and isinstance(error, FileNotFoundError):
            return if_absent
        raise _refusal(path, f"cannot be read ({error.strerror}); {_remedy(error)}") from error
    if len(content) > MAX_FILE_BYTES:
        raise _refusal(path, f"is larger than 1 MiB; {what} is far smaller")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # Counted in what was decoded, which lacks the mark, as the error's own numbers do.
        before = error.object[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace")) + 1
        said = "this is not UTF-8 text; save the file with the encoding UTF-8"
        raise _refusal(path, said, before.count(b"\n") + 1, column) from error


def _remedy(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "correct its name, or put it there"
    return "let the worker's user read it" if error.errno else "put a file in its place"


def secret_named(name: str, environ: Mapping[str, str], what: str) -> str:
    """Return the secret in a variable, or in the file that `NAME_FILE` names; empty where neither is set.

    Args:
        name: The variable's.
        environ: The variables.
        what: What the secret is, for people.

    Raises:
        NoSecretError: Both are set, or the file is of no use.
    """
    secret, file = environ.get(name, "").strip(), file_named(name, environ)
    if secret and file is not None:
        raise NoSecretError(f"{name} and {name}_FILE are both set; take one of them out")
    return secret if file is None else read_secret(file, what)


def file_named(name: str, environ: Mapping[str, str]) -> Path | None:
    """Return the file that `NAME_FILE` names; None where that is not set, or blank."""
    file = environ.get(f"{name}_FILE", "").strip()
    return Path(file) if file else None


def read_secret(file: Path, what: str) -> str:
    """Return the secret that is all there is in a file, without blanks around it.

    Raises:
        NoSecretError: It is not there, cannot be read, is empty or far too large, or is not UTF-8.
    """
    try:
        content = read_start(file, MAX_SECRET_BYTES + 1)
    except FileNotFoundError as error:
        said = f"the file {file} does not exist; write the {what} into it, or correct the path"
        raise NoSecretError(said) from error
    except OSError as error:
        said = f"the file {file} cannot be read ({error.strerror}); let the worker's user read it"
        raise NoSecretError(said) from error
    if len(content) > MAX_SECRET_BYTES:
        raise NoSecretError(f"the file {file} is larger than 4 KiB; write the {what} alone into it")
    try:
        secret = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        said = f"the file {file} is not UTF-8 text; write the {what} alone into it"
        raise NoSecretError(said) from error
    if not secret:
        raise NoSecretError(f"the file {file} is empty; write the {what} into it")
    return secret


def _refusal(path: Path, text: str, line: int = 1, column: int = 1) -> ConfigurationError:
    return ConfigurationError([Problem(f"{path}:{line}:{column}", text)])
