"""How calls to Kit say whose account they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from worker.errors import CredentialRefused
from worker.kit.auth.connection import Connected


class Login(Protocol):
    """A credential in use."""

    async def check(self) -> None:
        """Return where there is a credential, without asking Kit; raises as `headers` does."""

    async def headers(self) -> Mapping[str, str]:
        """Return what to send with a call.

        Raises:
            KitWorkerError: There is no usable credential now.
        """

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tell, of headers that Kit has refused, whether there are others by now, to be tried once."""

    def is_stale(self, found: Connected | None) -> bool:
        """Tell, of the connection that the ledger has now, whether another one, or none, is in use."""

    async def close(self) -> None:
        """Bring to its end what was begun."""


@dataclass(frozen=True, slots=True)
class FixedLogin:
    """A credential that stays as it is: another one comes with a reload, and makes another login."""

    name: str
    value: SecretStr

    async def check(self) -> None:
        """Return."""

    async def headers(self) -> Mapping[str, str]:
        """Return the header."""
        return {self.name: self.value.get_secret_value()}

    async def renewed(self, _: Mapping[str, str]) -> bool:
        """Return False."""
        return False

    def is_stale(self, _: Connected | None) -> bool:
        """Return False: it is in no ledger."""
        return False

    async def close(self) -> None:
        """Return."""


@dataclass(frozen=True, slots=True)
class NoLogin:
    """No credential, and why."""

    problem: str

    async def check(self) -> None:
        """Raise; see `headers`."""
        raise CredentialRefused(self.problem)

    async def headers(self) -> Mapping[str, str]:
        """Say why there is none.

        Raises:
            CredentialRefused: Always.
        """
        raise CredentialRefused(self.problem)

    async def renewed(self, _: Mapping[str, str]) -> bool:
        """Return False."""
        return False

    def is_stale(self, _: Connected | None) -> bool:
        """Return False: it is in no ledger."""
        return False

    async def close(self) -> None:
        """Return."""


def api_key_login(api_key: SecretStr) -> FixedLogin:
    """Return the login of an API key (Kit API reference, "Credentials and limits")."""
    return FixedLogin("X-Kit-Api-Key", api_key)


def token_login(access_token: SecretStr) -> FixedLogin:
    """Return the login of an OAuth access token (RFC 6750, 2.1)."""
    return FixedLogin("Authorization", SecretStr(f"Bearer {access_token.get_secret_value()}"))
