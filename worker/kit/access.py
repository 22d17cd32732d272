"""From an account's credential to its login."""

from __future__ import annotations

from dataclasses import dataclass

from worker.kit.auth.endpoint import OAuthEndpoint
from worker.kit.auth.login import Login, NoLogin, api_key_login, token_login
from worker.kit.auth.refresh import OAuthLogin
from worker.kit.credentials import AccessToken, ApiKey, Credential
from worker.ledger.sealing import Seal
from worker.ledger.store import Ledger
from worker.ledger.tokens import NO_KEY, TokenStore
from worker.settings import Settings


@dataclass(frozen=True, slots=True)
class Logins:
    """Makes logins.

    Attributes:
        ledger: Keeps the tokens of connected accounts.
        seal: Opens them; None without `LEDGER_KEY`.
        base_url: Kit's.
        timeout: Seconds for one call.
    """

    ledger: Ledger
    seal: Seal | None
    base_url: str
    timeout: float

    def of(self, account: str, credential: Credential) -> Login:
        """Return the login of an account."""
        if isinstance(credential, ApiKey):
            return api_key_login(credential.api_key)
        if isinstance(credential, AccessToken):
            return token_login(credential.access_token)
        if self.seal is None:
            return NoLogin(NO_KEY)
        endpoint = OAuthEndpoint(self.base_url, credential, timeout=self.timeout, clock=self.ledger.clock)
        store = TokenStore(self.ledger, self.seal)
        return OAuthLogin(account, store, endpoint, clock=self.ledger.clock)


def logins_for(settings: Settings, ledger: Ledger) -> Logins:
    """Return what makes logins for one process.

    Args:
        settings: Say where Kit is, and with which key tokens are encrypted.
        ledger: Where the tokens are.
    """
    seal = None if settings.ledger_key is None else Seal(settings.ledger_key)
    return Logins(ledger, seal, settings.kit_base_url, settings.kit_timeout)


@dataclass(frozen=True, slots=True)
class KitSettings:
    """How to reach Kit; see the settings of the same names."""

    base_url: str
    rate_limit: int
    timeout: float
    concurrency: int
