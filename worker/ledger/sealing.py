"""Encrypts what must not be readable in the ledger, with `LEDGER_KEY`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import SecretStr

# The library takes 7 MB, and few workers have anything sealed: it is imported where something is.
# ruff: noqa: PLC0415
if TYPE_CHECKING:
    from cryptography.fernet import Fernet, MultiFernet


class BrokenSealError(Exception):
    """What is sealed was not sealed with this key, or was changed."""


def check_key(text: str) -> None:
    """Refuse what is no key.

    Raises:
        ValueError: The text says what a key is, and repeats nothing.
    """
    try:
        _fernet(text)
    except ValueError as error:
        raise ValueError(
            "must be a Fernet key, 44 letters and signs, or several with commas between them, of which the "
            "first encrypts; kit-worker connect makes one"
        ) from error


def new_key() -> str:
    """Return a key."""
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


class Seal:
    """Encrypts and decrypts; of several keys the first encrypts, and all decrypt.

    Raises:
        ValueError: The key is none.
    """

    def __init__(self, key: SecretStr) -> None:
        self._fernet = _fernet(key.get_secret_value())
        self._first = _one(key.get_secret_value())

    def close(self, text: str) -> str:
        """Return text as it may be kept."""
        return self._fernet.encrypt(text.encode()).decode()

    def is_old(self, sealed: str) -> bool:
        """Tell whether something was encrypted with another key than the first one."""
        from cryptography.fernet import InvalidToken

        try:
            self._first.decrypt(sealed.encode())
        except InvalidToken:
            return True
        return False

    def open(self, sealed: str) -> str:
        """Return what `close` was given.

        Raises:
            BrokenSealError: It was given to another key's, or has been changed since.
        """
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise BrokenSealError from None


def _one(keys: str) -> Fernet:
    from cryptography.fernet import Fernet

    return Fernet(keys.partition(",")[0].strip())


def _fernet(keys: str) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    return MultiFernet([Fernet(key.strip()) for key in keys.split(",")])
