"""The OAuth tokens of connected accounts, and whose turn it is to renew them.

A refresh token works once, so over all workers only one may use it: whoever writes the name of a refresh
into the row, in place of what was read there. How long another's name counts, each reader finds out by a
clock of its own (`OAuthLogin`), since the clocks of several hosts never agree.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.errors import CredentialRefused
from worker.ledger.connecting import Connected, connect
from worker.ledger.schema import tokens
from worker.ledger.sealing import BrokenSealError, Seal
from worker.ledger.store import Ledger
from worker.outside.texts import SECRETS

API_KEY: Final = "api_key"
"""In what is sealed of an account that has an API key in place of tokens; see `api_keys`."""
NO_KEY: Final = (
    "LEDGER_KEY is not set, with which its tokens are encrypted, or its API key: set it, the same for all "
    "workers and commands and the page"
)


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
class KitConnection:
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


class TokenStore:
    """Keeps connections in the ledger. All methods raise `LedgerUnavailable`.

    Args:
        ledger: Where.
        seal: Encrypts the tokens; None without `LEDGER_KEY`, which leaves what is no secret.
    """

    def __init__(self, ledger: Ledger, seal: Seal | None) -> None:
        self._ledger = ledger
        self._seal = seal

    async def load(self, account: str) -> KitConnection | None:
        """Return how an account is connected by OAuth; None where it is not.

        Raises:
            CredentialRefused: The tokens were encrypted with another key, or there is no key.
        """
        async with self._ledger.database.read() as connection:
            query = select(tokens).where(tokens.c.account == account)
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else self._opened(account, row)

    async def connected(self) -> dict[str, Connected]:
        """Return all accounts that are connected, or whose key was entered; no `LEDGER_KEY` is needed."""
        query = select(tokens.c.account, tokens.c.kit_account, tokens.c.connected_at, tokens.c.problem)
        async with self._ledger.database.read() as connection:
            return {row[0]: Connected(*row[1:]) for row in await connection.execute(query)}

    async def connect(
        self,
        account: str,
        granted: Tokens,
        kit_account: int,
        kit_url: str,
        *,
        instead_of: Connected | None = None,
    ) -> None:
        """Keep the tokens of an account that was connected just now, in place of earlier ones.

        These may be of the same Kit account, or of the connection that it shall replace (`instead_of`). That
        is one statement, and one Kit account is one row's, so that of several commands at once one succeeds.

        Raises:
            TakenError: Another account is connected to that Kit account.
            OtherConnectionError: This account is connected to another one, which it shall not replace.
        """
        now = self._ledger.clock.time()
        made = {
            "account": account,
            "kit_account": kit_account,
            "kit_url": kit_url,
            "connected_at": now,
            "version": round(now * 1000),
            **self._values(granted),
        }
        async with self._ledger.database.write() as connection:
            await connect(connection, made, instead_of)

    async def disconnect(self, account: str) -> None:
        """Forget an account's tokens, or its API key."""
        async with self._ledger.database.write() as connection:
            await connection.execute(delete(tokens).where(tokens.c.account == account))

    async def begin_refresh(self, account: str, stored: KitConnection, refresh: str) -> bool:
        """Take the turn; False where the connection is not as it was read any more.

        Whose turn is taken over has been cut off, so that Kit may have carried it out.
        """
        as_read = _version(account, stored.version) & (tokens.c.refreshing == stored.refreshing)
        in_doubt = stored.in_doubt or bool(stored.refreshing)
        async with self._ledger.database.write() as connection:
            return await _changed(connection, as_read, refreshing=refresh, in_doubt=in_doubt)

    async def give_up_refresh(self, account: str, version: int, refresh: str, *, in_doubt: bool) -> None:
        """Let others try at once; where Kit may have carried it out, that is written."""
        ours = _version(account, version) & (tokens.c.refreshing == refresh)
        doubt = {"in_doubt": True} if in_doubt else {}
        async with self._ledger.database.write() as connection:
            await _changed(connection, ours, refreshing="", **doubt)

    async def finish_refresh(self, account: str, version: int, granted: Tokens) -> None:
        """Keep new tokens in place of those of that version; made twice, it changes nothing more.

        Whoever has had the turn meanwhile cannot have got newer ones: Kit takes a refresh token once.
        """
        async with self._ledger.database.write() as connection:
            values = {**self._values(granted), "version": version + 1}
            await _changed(connection, _version(account, version), **values)

    async def must_connect(self, account: str, version: int, problem: str) -> bool:
        """Note that these tokens are of no use any more, and why; False where there are others by now."""
        async with self._ledger.database.write() as connection:
            return await _changed(connection, _version(account, version), problem=problem, refreshing="")

    def _opened(self, account: str, row: Row[tuple[object, ...]]) -> KitConnection | None:
        if self._seal is None:
            raise CredentialRefused(NO_KEY)
        try:
            secrets = json.loads(self._seal.open(row.sealed))
        except BrokenSealError:
            raise CredentialRefused(
                f"the tokens of {account} were encrypted with another LEDGER_KEY: set that one again, or run "
                f"kit-worker connect {account}"
            ) from None
        if isinstance(secrets, dict):
            return None
        access_token, refresh_token, life = secrets
        SECRETS.add_passing(access_token, refresh_token)
        return KitConnection(
            Tokens(access_token, refresh_token, row.expires_at, life),
            Connected(row.kit_account, row.connected_at, row.problem),
            row.kit_url,
            row.version,
            row.refreshing,
            row.in_doubt,
        )

    def _values(self, granted: Tokens) -> dict[str, object]:
        if self._seal is None:
            raise CredentialRefused(NO_KEY)
        secrets = [granted.access_token, granted.refresh_token, granted.life]
        return {
            "sealed": self._seal.close(json.dumps(secrets)),
            "expires_at": granted.expires_at,
            "refreshing": "",
            "in_doubt": False,
            "problem": "",
        }


def _version(account: str, version: int) -> ColumnElement[bool]:
    return (tokens.c.account == account) & (tokens.c.version == version)


async def _changed(connection: AsyncConnection, which: ColumnElement[bool], **values: object) -> bool:
    return (await connection.execute(update(tokens).where(which).values(**values))).rowcount == 1
