"""The API keys that were entered on the page, encrypted; each in the place of an account's tokens.

So a Kit account is one account's, however it is known to Kit, and workers notice another key as they notice
another connection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr
from sqlalchemy import select, update

from worker.errors import CredentialRefused
from worker.ledger.connecting import Connected, connect
from worker.ledger.schema import tokens
from worker.ledger.sealing import BrokenSealError, Seal
from worker.ledger.store import Ledger
from worker.ledger.tokens import API_KEY, NO_KEY
from worker.outside.texts import SECRETS

_NEVER: Final = 0.0
"""A key does not end by itself."""


@dataclass(frozen=True, slots=True)
class EnteredKey:
    """An account's API key, as the ledger has it.

    Attributes:
        kit_url: Where Kit was when it was entered.
    """

    api_key: SecretStr
    connected: Connected
    kit_url: str


class ApiKeys:
    """Keeps API keys in the ledger. All methods raise `LedgerUnavailable`.

    Args:
        ledger: Where.
        seal: Encrypts them; None without `LEDGER_KEY`.
    """

    def __init__(self, ledger: Ledger, seal: Seal | None) -> None:
        self._ledger = ledger
        self._seal = seal

    async def load(self, account: str) -> EnteredKey | None:
        """Return an account's key; None where none was entered.

        Raises:
            CredentialRefused: It was encrypted with another `LEDGER_KEY`, or there is none.
        """
        async with self._ledger.database.read() as connection:
            query = select(tokens).where(tokens.c.account == account)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            return None
        secret = json.loads(await self._opened(account, row.sealed))
        if not isinstance(secret, dict):
            return None  # tokens, of before the account's file said that a key is stored
        SECRETS.add(secret[API_KEY])
        connected = Connected(row.kit_account, row.connected_at, row.problem)
        return EnteredKey(SecretStr(secret[API_KEY]), connected, row.kit_url)

    async def keep(
        self,
        account: str,
        api_key: SecretStr,
        kit_account: int,
        kit_url: str,
        *,
        instead_of: Connected | None = None,
    ) -> None:
        """Keep a key, in place of an earlier one of the same Kit account, or of what it shall replace.

        Raises:
            TakenError: Another account is connected to that Kit account.
            OtherConnectionError: This account is connected to another one, which it shall not replace.
            CredentialRefused: There is no `LEDGER_KEY`.
        """
        if self._seal is None:
            raise CredentialRefused(NO_KEY)
        now = self._ledger.clock.time()
        made = {
            "account": account,
            "kit_account": kit_account,
            "kit_url": kit_url,
            "connected_at": now,
            "version": round(now * 1000),
            "sealed": self._seal.close(json.dumps({API_KEY: api_key.get_secret_value()})),
            "expires_at": _NEVER,
            "refreshing": "",
            "in_doubt": False,
            "problem": "",
        }
        async with self._ledger.database.write() as connection:
            await connect(connection, made, instead_of)

    async def _opened(self, account: str, sealed: str) -> str:
        if self._seal is None:
            raise CredentialRefused(NO_KEY)
        try:
            text = self._seal.open(sealed)
        except BrokenSealError:
            raise CredentialRefused(
                f"the API key of {account} was encrypted with another LEDGER_KEY: set that one again, or "
                "enter the key once more"
            ) from None
        if self._seal.is_old(sealed):  # nothing else ever writes it anew, as refreshes do with tokens
            async with self._ledger.database.write() as connection:
                as_read = (tokens.c.account == account) & (tokens.c.sealed == sealed)
                await connection.execute(update(tokens).where(as_read).values(sealed=self._seal.close(text)))
        return text
