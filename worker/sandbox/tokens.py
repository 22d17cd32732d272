"""What OAuth is made of: clients, connections, tokens and codes, as records."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.sandbox.credentials import Credential, Kind
from worker.sandbox.refusals import EXPIRED_TOKEN, INVALID_TOKEN
from worker.sandbox.state import Account

SCOPE = "public"  # Kit's only one (Kit API reference, OAuth)


class OAuthError(Exception):
    """A request to the OAuth endpoints that is turned down, in the words of RFC 6749.

    `error` is the code that clients decide by. Kit has published `invalid_grant` only.
    """

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


def invalid_client() -> OAuthError:
    """The client is unknown, or its secret is missing or wrong."""
    return OAuthError("invalid_client", "Client authentication failed", 401)


def invalid_grant(what: str) -> OAuthError:
    """A code or a refresh token that is good no longer, or never was."""
    return OAuthError("invalid_grant", f"The {what} is invalid, expired, revoked or was used before")


@dataclass(frozen=True, slots=True)
class Client:
    """An app. One without a secret is public, and has to use PKCE; an `open` one need not prove anything.

    Without redirect URIs of its own, any is accepted.
    """

    id: str
    secret: str | None = field(default=None, repr=False)
    redirect_uris: tuple[str, ...] = ()
    open: bool = False

    @property
    def needs_pkce(self) -> bool:
        """Whether it may ask for access with a code challenge only."""
        return self.secret is None and not self.open

    def authenticate(self, secret: str | None, *, may_be_left_out: bool) -> None:
        """Check its secret, where it has one.

        Raises:
            OAuthError: it is wrong, or was left out where it may not be.
        """
        if self.secret is None or (secret is None and may_be_left_out):
            return
        if secret != self.secret:
            raise invalid_client()


@dataclass(frozen=True, slots=True)
class Connection:
    """A Kit account that gave a client access; the account it opens is the same for every token of it.

    `tenant` is what the client calls the installation that asks; each has tokens of its own.
    """

    client_id: str
    account: Account
    tenant: str = ""

    @property
    def counted_as(self) -> Credential:
        """What the rate limit counts by."""
        return Credential(Kind.OAUTH, f"{self.client_id} {self.account.id}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked a creator for."""

    redirect_uri: str
    challenge: str | None = None
    scope: str = SCOPE
    tenant: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """What a creator's consent gave: the client exchanges it for tokens, once."""

    connection: Connection
    asked: Asked
    expires_at: float


@dataclass(slots=True)
class Pair:
    """An access token and its refresh token, as the sandbox keeps them.

    `spent` says that the refresh token was used, `ended` that both were revoked.
    """

    connection: Connection
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    scope: str
    issued_at: float
    expires_at: float
    spent: bool = False
    ended: bool = False

    def opens(self, now: float) -> bool:
        """Whether the access token is good at that time."""
        return self.closed(now) is None

    def closed(self, now: float) -> str | None:
        """Why the access token is good no longer, as the answer to it says; None where it is good."""
        if self.ended:
            return INVALID_TOKEN
        return EXPIRED_TOKEN if now >= self.expires_at else None

    def revoke(self) -> None:
        """Let neither token be good any longer."""
        self.ended = True


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets; `expires_in` is in seconds, `created_at` in Unix seconds."""

    account: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: int
    created_at: int
    scope: str = SCOPE

    def json(self) -> Mapping[str, object]:
        """The answer of the token endpoint."""
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "refresh_token": self.refresh_token,
            "scope": self.scope,
            "created_at": self.created_at,
        }


@dataclass(frozen=True, slots=True)
class Refresh:
    """One use of a refresh token that reached the sandbox.

    Attributes:
        at: Unix seconds.
        account: whose token it is; None for one that was never given out.
        client_id: who used it.
        token: its last four characters, which no other of the first 10,000 tokens has.
        use: the how many-th use of this token it is, from 1.
        granted: whether new tokens were given for it.
    """

    at: float
    account: str | None
    client_id: str
    token: str
    use: int
    granted: bool


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection as it stands: its newest access token, and how often it was refreshed."""

    client_id: str
    account: str
    access_token: str
    expires_at: float
    state: str
    refreshes: int


def challenge_of(verifier: str) -> str:
    """The code challenge of a code verifier, by S256 (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
