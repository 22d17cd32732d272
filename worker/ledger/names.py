"""What the names in an account's file mean in Kit: kept, so that what is renamed there is followed."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.database import Database
from worker.ledger.migrations import MIGRATIONS, newest
from worker.ledger.rows import upsert
from worker.ledger.schema import accounts, names
from worker.subscribers.identity import plain
from worker.subscribers.known import KitName

MAX_KIT_NAME = 255
"""Letters of what Kit calls something that are kept: for people, and to see that it has changed."""


async def names_of(database: Database, account: str) -> tuple[KitName, ...]:
    """Return what an account's names mean, making no ledger and no newer one.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    if await database.version() != newest(MIGRATIONS):
        return ()
    async with database.read() as connection:
        return await read_names(connection, account, kit_account=0)


async def created_tags(database: Database, account: str) -> int | None:
    """Return how many tags placeholders have created for an account; None where no ledger says so.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    if await database.version() != newest(MIGRATIONS):
        return None
    query = select(accounts.c.created_tags).where(accounts.c.account == account)
    async with database.read() as connection:
        return (await connection.execute(query)).scalar_one_or_none()


async def read_names(connection: AsyncConnection, account: str, kit_account: int) -> tuple[KitName, ...]:
    """Return what an account's names mean, in that Kit account (0: whichever it is)."""
    columns = names.c.kind, names.c.name, names.c.kit_id, names.c.kit_name
    query = select(*columns).where(names.c.account == account)
    if kit_account:
        query = query.where(names.c.kit_account.in_((0, kit_account)))
    return tuple(KitName(*row) for row in await connection.execute(query))


async def write_names(
    connection: AsyncConnection, account: str, kit_account: int, new: Iterable[KitName]
) -> None:
    """Write what names mean, inside the caller's transaction."""
    rows = [
        {
            "account": account,
            "kind": one.kind,
            "name": plain(one.name),
            "kit_account": kit_account,
            "kit_id": one.kit_id,
            "kit_name": plain(one.kit_name)[:MAX_KIT_NAME],
        }
        for one in new
    ]
    await upsert(connection, names, rows)
