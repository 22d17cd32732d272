"""What Kit calls each account, and its plan, as Kit said when it was last asked for people."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, select

from worker.ledger.rows import upsert
from worker.ledger.schema import kit_accounts
from worker.ledger.store import Ledger


class SeenAtKit(NamedTuple):
    """What Kit said of an account.

    Attributes:
        at: When, in seconds since 1970.
    """

    name: str
    plan: str
    at: float


class KitAccounts:
    """Keeps what Kit said, in the ledger. All methods raise `LedgerUnavailable`."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def saw(self, account: str, name: str, plan: str) -> None:
        """Note what Kit says now."""
        row = {"account": account, "name": name, "plan": plan, "at": self._ledger.clock.time()}
        async with self._ledger.database.write() as connection:
            await upsert(connection, kit_accounts, [row])

    async def last(self, account: str) -> SeenAtKit | None:
        """Return what Kit said last; None where it was never asked, or not since it was let out."""
        columns = kit_accounts.c.name, kit_accounts.c.plan, kit_accounts.c.at
        async with self._ledger.database.read() as connection:
            row = (
                await connection.execute(select(*columns).where(kit_accounts.c.account == account))
            ).one_or_none()
        return None if row is None else SeenAtKit(*row)

    async def drop(self, account: str) -> None:
        """Forget what Kit said of an account."""
        async with self._ledger.database.write() as connection:
            await connection.execute(delete(kit_accounts).where(kit_accounts.c.account == account))
