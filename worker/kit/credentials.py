"""What Kit knows an account by, and what that allows. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, TypeAlias

from pydantic import SecretStr

API_KEY_LIMIT: Final = 120
OAUTH_LIMIT: Final = 600
"""Calls in any 60 s that Kit allows a credential (Kit API reference, "Rate limiting")."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What Kit knows an account by, where its creator made a key."""

    api_key: SecretStr
    limit: ClassVar = API_KEY_LIMIT
    bulk: ClassVar = False

    @property
    def claim(self) -> str:
        """What no other account may have, too; empty where that shows only in Kit."""
        return self.api_key.get_secret_value()


@dataclass(frozen=True, slots=True)
class StoredKey:
    """An API key that was entered on the page; it is in the ledger, encrypted."""

    limit: ClassVar = API_KEY_LIMIT
    bulk: ClassVar = False

    @property
    def claim(self) -> str:
        """Return nothing: whose it is was decided when it was entered."""
        return ""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An OAuth token that something else keeps fresh. Kit's bulk endpoints take such tokens only."""

    access_token: SecretStr
    limit: ClassVar = OAUTH_LIMIT
    bulk: ClassVar = True

    @property
    def claim(self) -> str:
        """See `ApiKey`."""
        return self.access_token.get_secret_value()


@dataclass(frozen=True, slots=True)
class OAuthApp:
    """An app that creators connect their accounts to; the account's tokens are in the ledger.

    Attributes:
        client_secret: None for an app that proves itself by PKCE alone.
    """

    client_id: SecretStr
    client_secret: SecretStr | None = None
    limit: ClassVar = OAUTH_LIMIT
    bulk: ClassVar = True

    @property
    def claim(self) -> str:
        """Return nothing: many accounts are connected to one app."""
        return ""


Credential: TypeAlias = ApiKey | StoredKey | AccessToken | OAuthApp
