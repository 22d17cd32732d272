"""From an account's credential to its login."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from worker.account_file.account import AccessToken, ApiKey, Credential
from worker.kit.login import Login, NoLogin, api_key_login, token_login
from worker.kit.oauth import OAuthEndpoint
from worker.kit.oauth_login import OAuthLogin
from worker.ledger.sealing import Seal
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore
from worker.settings import Settings

NO_KEY = "LEDGER_KEY is not set, with which its tokens are encrypted: set it as kit-worker connect had it"


@dataclass(frozen=True, slots=True)
class Logins:
    """Makes logins.

    Attributes:
        ledger: Keeps the tokens of connected accounts.
        seal: Opens them; None without `LEDGER_KEY`.
        who: Names this process.
        base_url: Kit's.
        timeout: Seconds for one call.
        wall: Seconds since 1970.
        random: 0 to 1.
    """

    ledger: Ledger
    seal: Seal | None
    who: str
    base_url: str
    timeout: float
    wall: Callable[[], float]
    random: Callable[[], float]

    def of(self, account: str, credential: Credential) -> Login:
        """Return the login of an account."""
        if isinstance(credential, ApiKey):
            return api_key_login(credential.api_key)
        if isinstance(credential, AccessToken):
            return token_login(credential.access_token)
        if self.seal is None:
            return NoLogin(NO_KEY)
        endpoint = OAuthEndpoint(self.base_url, credential, timeout=self.timeout, wall=self.wall)
        store = TokenStore(self.ledger, self.seal)
        return OAuthLogin(account, store, endpoint, who=self.who, wall=self.wall, random=self.random)


def logins_for(settings: Settings, ledger: Ledger, who: str) -> Logins:
    """Return what makes logins for one process.

    Args:
        settings: Say where Kit is, and with which key tokens are encrypted.
        ledger: Where the tokens are.
        who: Names the process among all that renew tokens.
    """
    seal = None if settings.ledger_key is None else Seal(settings.ledger_key)
    kit = settings.kit_base_url, settings.kit_timeout
    return Logins(ledger, seal, who, *kit, wall=ledger.now, random=random.random)
