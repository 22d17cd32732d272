"""One process's access to Kit: each account's login and client, and the rate limit of each credential."""

from __future__ import annotations

from worker.kit.auth.endpoint import OAuthEndpoint
from worker.kit.auth.login import Login, NoLogin, api_key_login, token_login
from worker.kit.auth.refresh import OAuthLogin
from worker.kit.auth.stored_key import StoredKeyLogin
from worker.kit.client import KitClient
from worker.kit.credentials import AccessToken, ApiKey, Credential, OAuthApp, StoredKey
from worker.kit.http import KitHttp
from worker.kit.limiter import Limiter, allowed
from worker.ledger.api_keys import ApiKeys
from worker.ledger.sealing import Seal
from worker.ledger.store import Ledger
from worker.ledger.tokens import NO_KEY, TokenStore
from worker.metrics import Metrics
from worker.settings import Settings


class KitAccess:
    """Makes logins and clients.

    A credential's rate limit outlives its clients: Kit remembers calls for a minute, also where an account's
    worker is made anew meanwhile.

    Args:
        settings: Say where Kit is, how it may be called, and with which key tokens are encrypted.
        ledger: Keeps the tokens of connected accounts; the caller's name and the clock are its own, too.
        metrics: Count the calls; None where nobody reads them.
    """

    def __init__(self, settings: Settings, ledger: Ledger, metrics: Metrics | None = None) -> None:
        self._settings = settings
        self._ledger = ledger
        self._metrics = metrics
        self._seal = None if settings.ledger_key is None else Seal(settings.ledger_key)
        self._limiters: dict[tuple[type[Credential], str], Limiter] = {}

    @property
    def url(self) -> str:
        """Where Kit is."""
        return self._settings.kit_base_url.rstrip("/")

    def login(self, account: str, credential: Credential) -> Login:
        """Return the login of an account."""
        if isinstance(credential, ApiKey):
            return api_key_login(credential.api_key)
        if isinstance(credential, AccessToken):
            return token_login(credential.access_token)
        if self._seal is None:
            return NoLogin(NO_KEY)
        if isinstance(credential, StoredKey):
            return StoredKeyLogin(account, ApiKeys(self._ledger, self._seal), self._settings.kit_base_url)
        store = TokenStore(self._ledger, self._seal)
        return OAuthLogin(account, store, self.endpoint(credential), clock=self._ledger.clock)

    def endpoint(self, app: OAuthApp) -> OAuthEndpoint:
        """Return Kit's token endpoint, as an app uses it."""
        settings = self._settings
        return OAuthEndpoint(
            settings.kit_base_url,
            app,
            timeout=settings.kit_timeout,
            clock=self._ledger.clock,
            caller=self._ledger.worker,
        )

    def client(self, account: str, credential: Credential) -> KitClient:
        """Return a client whose calls are limited and counted; whoever asked for it closes it."""
        http = KitHttp(
            self._settings.kit_base_url,
            clock=self._ledger.clock,
            timeout=self._settings.kit_timeout,
            connections=self._settings.kit_concurrency,
            caller=self._ledger.worker,
        )
        return KitClient(
            http,
            self.login(account, credential),
            self._limiter(account, credential),
            account=account,
            metrics=self._metrics,
        )

    def calls_a_minute(self, credential: Credential) -> int:
        """Return how much of Kit's limit this process uses."""
        return allowed(self._settings.kit_rate_limit or credential.limit)

    def _limiter(self, account: str, credential: Credential) -> Limiter:
        # A connected account's tokens change, or its key, and its limit goes on.
        key = type(credential), credential.claim or account
        if key not in self._limiters:
            self._limiters[key] = Limiter(self.calls_a_minute(credential), clock=self._ledger.clock)
        return self._limiters[key]
