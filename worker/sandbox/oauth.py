"""OAuth: which client may open which Kit account, and with which tokens. No HTTP, no clock of its own.

Refresh tokens are used once (Kit API reference, credentials). Assumed, where it is silent: a refresh that is
turned down leaves the newer tokens good; an old access token is good until it expires; tokens of one account
that were given at different times do not end each other; revoking one token ends the whole connection, and
leaves those that the client made for other tenants (`tenant_name`).
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable
from itertools import count

from worker.sandbox.credentials import Accounts, masked
from worker.sandbox.tokens import (
    SCOPE,
    Asked,
    Client,
    Code,
    Connected,
    Connection,
    OAuthError,
    Pair,
    Refresh,
    Tokens,
    challenge_of,
    invalid_client,
    invalid_grant,
)

TOKEN_LIFE = 172_800.0  # seconds, as in Kit's example of first tokens; its example of a refresh says 7,200
CODE_LIFE = 600.0  # seconds; Kit's is not published, and RFC 6749 advises no more
ANY_CLIENT = "any-client"


class OAuth:
    """The clients, the connected accounts and their tokens, as tests and the endpoints use them.

    As long as no client was told of, any client id is one, and any secret is right.

    Attributes:
        token_life: seconds that access tokens given from now on are good.
        refresh_ends_access: a refresh ends the old access token at once, too.
        creator: the name of the account whose creator is at the browser, and consents; None lets them choose.
        refreshes: every use of a refresh token, oldest first.
    """

    def __init__(self, accounts: Accounts, now: Callable[[], float], token_life: float = TOKEN_LIFE) -> None:
        self.token_life = token_life
        self.refresh_ends_access = False
        self.creator: str | None = None
        self.refreshes: list[Refresh] = []
        self._accounts = accounts
        self._now = now
        self._clients: dict[str, Client] = {}
        self._codes: dict[str, Code] = {}
        self._by_access: dict[str, Pair] = {}
        self._by_refresh: dict[str, Pair] = {}
        self._uses: Counter[str] = Counter()
        self._numbers = count(1)

    def client(self, client_id: str, client_secret: str | None = None, *redirect_uris: str) -> Client:
        """Tell of an app; without a secret it is public, without redirect URIs it may use any."""
        client = Client(client_id, client_secret, redirect_uris)
        self._clients[client_id] = client
        return client

    def grant(self, account: str, client_id: str | None = None) -> Tokens:
        """Connect an account to a client, as its creator would; the account is created where there is none.

        Args:
            account: the account's name.
            client_id: for this client; None stands for the first that was told of.

        Raises:
            OAuthError: there is no such client.
        """
        client = self.known(next(iter(self._clients), ANY_CLIENT) if client_id is None else client_id)
        return self._issue(Connection(client.id, self._accounts.named(account, self._now())), SCOPE)

    def disconnect(self, account: str) -> None:
        """End every connection of an account, as its creator might in Kit's own pages."""
        for pair in self.pairs():
            if pair.connection.account.name == account:
                pair.revoke()

    def used_twice(self) -> list[Refresh]:
        """The uses of refresh tokens that had been used before."""
        return [refresh for refresh in self.refreshes if refresh.use > 1]

    def connected(self) -> list[Connected]:
        """The accounts that are or were connected, with the newest token of each."""
        granted = Counter((each.client_id, each.account) for each in self.refreshes if each.granted)
        return [
            Connected(
                pair.connection.client_id,
                pair.connection.account.name,
                masked(pair.access_token),
                pair.expires_at,
                "ended" if pair.ended else "good" if pair.opens(self._now()) else "expired",
                granted[pair.connection.client_id, pair.connection.account.name],
            )
            for pair in self.newest()
        ]

    def newest(self) -> list[Pair]:
        """The newest tokens of each connection."""
        return list({pair.connection: pair for pair in self.pairs()}.values())

    def pairs(self) -> list[Pair]:
        """All tokens ever given, oldest first."""
        return list(self._by_access.values())

    def pair(self, token: str) -> Pair | None:
        """The tokens that this access or refresh token is one of, good or not."""
        return self._by_access.get(token) or self._by_refresh.get(token)

    def account_names(self) -> list[str]:
        """The accounts of the sandbox, any of which may be connected."""
        return [account.name for _, account in self._accounts]

    def account_of(self, secret: str) -> str | None:
        """The name of the account that a token or code is about."""
        held = self.pair(secret) or self._codes.get(secret)
        return None if held is None else held.connection.account.name

    def known(self, client_id: str) -> Client:
        """The client with that id.

        Raises:
            OAuthError: there is none.
        """
        if not self._clients and client_id:
            return Client(client_id, open=True)
        client = self._clients.get(client_id)
        if client is None:
            raise invalid_client()
        return client

    def consent(self, client: Client, account: str, asked: Asked) -> str:
        """Let an account's creator consent: the code that the client exchanges."""
        connection = Connection(client.id, self._accounts.named(account, self._now()), asked.tenant)
        code = self._secret("code")
        self._codes[code] = Code(connection, asked, self._now() + CODE_LIFE)
        return code

    def exchange(
        self, client: Client, code: str, redirect_uri: str, secret: str | None, verifier: str | None
    ) -> Tokens:
        """Give tokens for a code, once.

        Raises:
            OAuthError: code, client, redirect URI, secret or verifier is wrong.
        """
        held = self._codes.get(code)
        has_challenge = held is not None and held.asked.challenge is not None
        client.authenticate(secret, may_be_left_out=has_challenge)
        if held is None or held.connection.client_id != client.id or held.asked.redirect_uri != redirect_uri:
            raise invalid_grant("authorization code")
        if held.expires_at <= self._now():
            raise invalid_grant("authorization code")
        if has_challenge and held.asked.challenge != challenge_of(verifier or ""):
            raise OAuthError("invalid_grant", "The code verifier is not that of the code challenge")
        del self._codes[code]
        return self._issue(held.connection, held.asked.scope)

    def refresh(self, client: Client, token: str, secret: str | None) -> Tokens:
        """Give new tokens for a refresh token, once. Kit's own example leaves the client's secret out.

        Raises:
            OAuthError: the token was used before, is revoked or another client's; or the secret is wrong.
        """
        client.authenticate(secret, may_be_left_out=True)
        pair = self._by_refresh.get(token)
        granted = (
            pair is not None and pair.connection.client_id == client.id and not (pair.spent or pair.ended)
        )
        self._note(client, token, pair, granted=granted)
        if pair is None or not granted:
            raise invalid_grant("refresh token")
        pair.spent = True
        if self.refresh_ends_access:
            pair.expires_at = min(pair.expires_at, self._now())
        return self._issue(pair.connection, pair.scope)

    def revoke(self, client: Client, token: str, secret: str | None) -> None:
        """End the connection that a token belongs to; another client's, or an unknown one, ends nothing.

        Raises:
            OAuthError: the secret is wrong.
        """
        client.authenticate(secret, may_be_left_out=False)
        found = self.pair(token)
        if found is None or found.connection.client_id != client.id:
            return
        for pair in self.pairs():
            if pair.connection == found.connection:
                pair.revoke()

    def _issue(self, connection: Connection, scope: str) -> Tokens:
        now = self._now()
        access, refresh = self._secret("access"), self._secret("refresh")
        pair = Pair(connection, access, refresh, scope, now, now + self.token_life)
        self._by_access[access] = self._by_refresh[refresh] = pair
        return Tokens(connection.account.name, access, refresh, int(self.token_life), int(now), scope)

    def _note(self, client: Client, token: str, pair: Pair | None, *, granted: bool) -> None:
        self._uses[token] += 1
        account = None if pair is None else pair.connection.account.name
        self.refreshes.append(
            Refresh(self._now(), account, client.id, masked(token), self._uses[token], granted)
        )

    def _secret(self, kind: str) -> str:
        # The number makes its last four characters, which are all that is ever shown, tell it from others.
        return f"{kind}-{secrets.token_urlsafe(24)}-{next(self._numbers):04d}"
