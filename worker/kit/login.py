"""How calls to Kit say whose account they are about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from worker.account_file.account import AccessToken, ApiKey, Credential


class Login(Protocol):
    """A credential in use."""

    async def headers(self) -> Mapping[str, str]:
        """Return what to send with a call.

        Raises:
            KitWorkerError: There is no usable credential now.
        """

    async def renewed(self, refused: Mapping[str, str]) -> bool:
        """Tell, of headers that Kit has refused, whether there are others by now, to be tried once."""


@dataclass(frozen=True, slots=True)
class ApiKeyLogin:
    """An API key, which stays as it is."""

    api_key: SecretStr

    async def headers(self) -> Mapping[str, str]:
        """Return the key's header (Kit API reference, "Credentials and limits")."""
        return {"X-Kit-Api-Key": self.api_key.get_secret_value()}

    async def renewed(self, _: Mapping[str, str]) -> bool:
        """Return False: another key comes with a reload, and makes another login."""
        return False


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """An OAuth access token that something else keeps fresh; a newer one comes with a reload."""

    access_token: SecretStr

    async def headers(self) -> Mapping[str, str]:
        """Return the token's header."""
        return bearer(self.access_token)

    async def renewed(self, _: Mapping[str, str]) -> bool:
        """Return False, as for a key."""
        return False


def bearer(token: SecretStr) -> Mapping[str, str]:
    """Return the header of an access token (RFC 6750, 2.1)."""
    return {"Authorization": f"Bearer {token.get_secret_value()}"}


def login_with(credential: Credential) -> Login:
    """Return the login of a credential that stays as it is."""
    if isinstance(credential, ApiKey):
        return ApiKeyLogin(credential.api_key)
    if isinstance(credential, AccessToken):
        return TokenLogin(credential.access_token)
    raise NotImplementedError
