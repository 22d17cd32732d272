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
class Connected:
    """What tells one connection from another, whichever its tokens are by now.

    Attributes:
        kit_account: Kit's id of the account.
        at: When it was connected, in seconds since 1970.
        problem: Why it must be connected again; empty while all is well.
    """

    kit_account: int
    at: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Connection:
    """An account's connection, as the ledger has it.

    Attributes:
        kit_url: Where Kit was when it was connected.
        version: Grows with every refresh, and is never that of an earlier connection.
        refreshing: Names the refresh that is under way, or was cut off; empty for none.
        in_doubt: Whether Kit may have carried out a refresh whose answer nobody has.
    """

    tokens: Tokens
    connected: Connected
    kit_url: str
    version: int
    refreshing: str = ""
    in_doubt: bool = False
