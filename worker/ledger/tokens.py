"""The OAuth tokens of connected accounts, and whose turn it is to renew them.

A refresh token works once, so over all workers only one may use it: whoever writes its name into the row
while nobody else's stands there, or while the other's time is over.
"""

from __future__ import annotations

import json

from sqlalchemy import delete, select, update

from worker.connections import Connection, Tokens
from worker.errors import CredentialRefused
from worker.ledger.rows import upsert
from worker.ledger.schema import tokens
from worker.ledger.sealing import BrokenSealError, Seal
from worker.ledger.store import Ledger


class TokenStore:
    """Keeps connections in the ledger. All methods raise `LedgerUnavailable`."""

    def __init__(self, ledger: Ledger, seal: Seal) -> None:
        self._ledger = ledger
        self._seal = seal

    async def load(self, account: str) -> Connection | None:
        """Return how an account is connected; None where it is not.

        Raises:
            CredentialRefused: The tokens were encrypted with another key.
        """
        async with self._ledger.database.read() as connection:
            query = select(tokens).where(tokens.c.account == account)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        try:
            access_token, refresh_token, life = json.loads(self._seal.open(row.sealed))
        except BrokenSealError:
            raise CredentialRefused(
                f"the tokens of {account} were encrypted with another LEDGER_KEY: set that one again, or run "
                f"kit-worker connect {account}"
            ) from None
        granted = Tokens(access_token, refresh_token, row.expires_at, life)
        return Connection(granted, row.kit_account, row.version, row.refreshing, row.problem)

    async def connect(self, account: str, granted: Tokens, kit_account: int) -> None:
        """Keep the tokens of an account that was connected just now, in place of any others."""
        async with self._ledger.database.write() as connection:
            query = select(tokens.c.version).where(tokens.c.account == account)
            version = (await connection.execute(query)).scalar() or 0
            row = {"account": account, "kit_account": kit_account, "version": version + 1}
            await upsert(connection, tokens, [{**row, **self._values(granted)}])

    async def disconnect(self, account: str) -> None:
        """Forget an account's tokens."""
        async with self._ledger.database.write() as connection:
            await connection.execute(delete(tokens).where(tokens.c.account == account))

    async def connected_to(self, kit_account: int) -> set[str]:
        """Return the accounts that are connected to one account of Kit's."""
        query = select(tokens.c.account).where(tokens.c.kit_account == kit_account)
        async with self._ledger.database.read() as connection:
            return set((await connection.execute(query)).scalars())

    async def begin_refresh(self, account: str, version: int, who: str, seconds: float) -> bool:
        """Take the turn to refresh for so many seconds; False where it is not ours to take."""
        now = self._ledger.now()
        free = (tokens.c.refreshing.in_(["", who])) | (tokens.c.refreshing_until <= now)
        ours = (tokens.c.account == account) & (tokens.c.version == version) & free
        async with self._ledger.database.write() as connection:
            taken = update(tokens).where(ours).values(refreshing=who, refreshing_until=now + seconds)
            return (await connection.execute(taken)).rowcount == 1

    async def give_up_refresh(self, account: str, who: str, *, in_doubt: bool) -> None:
        """Let others try at once; where Kit may have carried it out, it stays written that somebody tried."""
        ours = (tokens.c.account == account) & (tokens.c.refreshing == who)
        values = {"refreshing_until": 0.0} if in_doubt else {"refreshing": "", "refreshing_until": 0.0}
        async with self._ledger.database.write() as connection:
            await connection.execute(update(tokens).where(ours).values(**values))

    async def finish_refresh(self, account: str, version: int, granted: Tokens) -> None:
        """Keep new tokens in place of those of that version; made twice, it changes nothing more.

        Whoever has had the turn meanwhile cannot have got newer ones: Kit takes a refresh token once.
        """
        ours = (tokens.c.account == account) & (tokens.c.version == version)
        async with self._ledger.database.write() as connection:
            values = {**self._values(granted), "version": version + 1}
            await connection.execute(update(tokens).where(ours).values(**values))

    async def must_connect(self, account: str, version: int, problem: str) -> None:
        """Note that these tokens are of no use any more, and why."""
        ours = (tokens.c.account == account) & (tokens.c.version == version)
        async with self._ledger.database.write() as connection:
            values = {"problem": problem, "refreshing": "", "refreshing_until": 0.0}
            await connection.execute(update(tokens).where(ours).values(**values))

    def _values(self, granted: Tokens) -> dict[str, object]:
        secrets = [granted.access_token, granted.refresh_token, granted.life]
        return {
            "sealed": self._seal.close(json.dumps(secrets)),
            "expires_at": granted.expires_at,
            "refreshing": "",
            "refreshing_until": 0.0,
            "problem": "",
        }
