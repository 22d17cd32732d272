"""How an account is connected to Kit by OAuth: what it was granted, and whose turn it is to renew that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an account was granted; never shown.

    Attributes:
        expires_at: When the access token ends, in seconds since 1970, by our own clock.
        life: For how many seconds it was granted.
    """

    access_token: str
    refresh_token: str
    expires_at: float
    life: float

    def __repr__(self) -> str:
        return f"Tokens(expires_at={self.expires_at})"


@dataclass(frozen=True, slots=True)
class Connection:
    """An account's connection, as the ledger has it.

    Attributes:
        kit_account: Kit's id of the account.
        version: Grows with every refresh.
        refreshing: Who took the turn to refresh, and has not come to its end; empty for nobody.
        problem: Why it must be connected again; empty while all is well.
    """

    tokens: Tokens
    kit_account: int
    version: int
    refreshing: str = ""
    problem: str = ""
