"""How calls to Kit say whose account they are about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from worker.errors import CredentialRefused
from worker.ledger.connecting import Connected

API_KEY_HEADER: Final = "X-Kit-Api-Key"
KEY_REFUSED: Final = (
    "Kit refuses the API key (401): it is wrong or revoked, or the account may not use Kit's API any more; "
    "make another one in Kit (Settings, Developer)"
)
"""Kit's own words are about access tokens, also where there is none."""


class Login(ABC):
    """A credential in use. As it stands here it never changes: another one comes with a reload.

    Attributes:
        refused: What a 401 means, and what to do; empty where Kit's own words say so.
    """

    refused: str = ""

    @abstractmethod
    async def headers(self) -> Mapping[str, str]:
        """Return what to send with a call.

        Raises:
            KitWorkerError: There is no usable credential now.
        """

    async def check(self) -> None:
        """Return where there is a credential, without asking Kit; raises as `headers` does."""
        await self.headers()

    async def renewed(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002  # there is no other one
        """Tell, of headers that Kit has refused, whether there are others by now, to be tried once."""
        return False

    def is_stale(self, found: Connected | None) -> bool:  # noqa: ARG002  # it is in no ledger
        """Tell, of the connection that the ledger has now, whether another one, or none, is in use."""
        return False

    @property
    def has_unwritten(self) -> bool:
        """Whether there is something new that would be lost with this process."""
        return False

    async def close(self) -> None:  # noqa: B027  # most have begun nothing
        """Bring to its end what was begun."""


@dataclass(frozen=True, slots=True)
class FixedLogin(Login):
    """A credential that stays as it is."""

    name: str
    value: SecretStr
    refused: str = ""

    async def headers(self) -> Mapping[str, str]:
        """Return the header."""
        return {self.name: self.value.get_secret_value()}


@dataclass(frozen=True, slots=True)
class NoLogin(Login):
    """No credential, and why."""

    problem: str

    async def headers(self) -> Mapping[str, str]:
        """Say why there is none.

        Raises:
            CredentialRefused: Always.
        """
        raise CredentialRefused(self.problem)


def api_key_login(api_key: SecretStr) -> FixedLogin:
    """Return the login of an API key (Kit API reference, "Credentials and limits")."""
    return FixedLogin(API_KEY_HEADER, api_key, f"{KEY_REFUSED}, and put it where the account's file says")


def token_login(access_token: SecretStr) -> FixedLogin:
    """Return the login of an OAuth access token (RFC 6750, 2.1)."""
    return FixedLogin("Authorization", SecretStr(f"Bearer {access_token.get_secret_value()}"))


def check_place(kit_url: str, base_url: str, otherwise: str) -> None:
    """Return where a secret of the ledger is of this Kit: another one must not get it, and would refuse it.

    Raises:
        CredentialRefused: It is of another one, a sandbox perhaps; `otherwise` is what to do about that.
    """
    if kit_url != base_url:
        raise CredentialRefused(
            f"it was connected at {kit_url}, and KIT_BASE_URL is {base_url}: set that back, or {otherwise}"
        )


def same_kit_account(before: int | None, found: Connected) -> int:
    """Return the Kit account that a secret of the ledger leads to; None was known of it before.

    Raises:
        CredentialRefused: It is another one now. What else is known of this one, such as the ids of its tags,
            is of the one before.
    """
    if before not in {None, found.kit_account}:
        raise CredentialRefused("it was connected to another Kit account meanwhile")
    return found.kit_account
