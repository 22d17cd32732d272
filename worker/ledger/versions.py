"""The texts of account files that the page has saved or replaced, so that one can go back to them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.schema import versions
from worker.ledger.store import Ledger
from worker.outside.texts import tells_whom

MOST_KEPT: Final = 200
"""Versions of one account; of more the oldest go."""
PAGE: Final = 50
FOUND: Final = ""
"""In place of who saved a text: it was found in the file, and is nobody's that the page knows."""


@dataclass(frozen=True, slots=True)
class Version:
    """A text that an account's file had.

    Attributes:
        id: Greater than those of all versions before.
        at: When it was kept, in seconds since 1970, by the ledger's clock.
        who: Who saved it; empty where it was found there.
        sha256: Of the text, as `sha256sum` says it.
    """

    id: int
    at: float
    who: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of all accounts' files. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    async def keep(self, account: str, who: str, text: str, *, replaced: str | None = None) -> bool:
        """Keep the text that was saved, and the one that it replaced, where that is not the newest one kept.

        A text that names a whole address, or a secret, is not kept: `forget` does not look through versions.

        Args:
            account: Whose file.
            who: Who saved it, in words that name no address.
            text: What was saved.
            replaced: What was in the file before.

        Returns:
            Whether both are kept.

        Raises:
            ValueError: `who` names an address or a secret.
        """
        if tells_whom(who):
            raise ValueError("who saved a version is told by an address or a secret")
        texts = [(FOUND, replaced), (who, text)] if replaced is not None else [(who, text)]
        fit = [(by, each) for by, each in texts if not tells_whom(each)]
        async with self.ledger.database.write() as connection:
            for by, each in fit:
                await self._keep(connection, account, by, each)
            await _prune(connection, account)
        return len(fit) == len(texts)

    async def _keep(self, connection: AsyncConnection, account: str, who: str, text: str) -> None:
        mark = sha256(text.encode()).hexdigest()
        newest = select(versions.c.sha256).where(versions.c.account == account)
        newest = newest.order_by(versions.c.id.desc()).limit(1)
        if (await connection.execute(newest)).scalar() != mark:
            now = await self.ledger.time.now(connection)
            row = {"account": account, "at": now, "who": who, "sha256": mark, "text": text}
            await connection.execute(insert(versions).values(row))

    async def page(self, account: str, *, before: int | None = None, limit: int = PAGE) -> list[Version]:
        """Return an account's newest versions, the newest of them first.

        Args:
            account: Whose.
            before: Versions older than the one with this id only, as the next page needs them.
            limit: So many at most.
        """
        columns = (versions.c.id, versions.c.at, versions.c.who, versions.c.sha256)
        query = select(*columns).where(versions.c.account == account)
        if before is not None:
            query = query.where(versions.c.id < before)
        query = query.order_by(versions.c.id.desc()).limit(limit)
        async with self.ledger.database.read() as connection:
            return [Version(*row) for row in await connection.execute(query)]

    async def text(self, account: str, number: int) -> str | None:
        """Return the text of a version by its id; None where this account has none of that id."""
        query = select(versions.c.text).where((versions.c.account == account) & (versions.c.id == number))
        async with self.ledger.database.read() as connection:
            return (await connection.execute(query)).scalar()

    async def drop(self, account: str) -> int:
        """Delete an account's versions; return how many there were."""
        async with self.ledger.database.write() as connection:
            return (await connection.execute(delete(versions).where(versions.c.account == account))).rowcount


async def _prune(connection: AsyncConnection, account: str) -> None:
    """Delete an account's oldest versions, so that no more are kept than may be."""
    query = select(versions.c.id).where(versions.c.account == account)
    query = query.order_by(versions.c.id.desc()).limit(MOST_KEPT + 1)
    ids = list((await connection.execute(query)).scalars())
    if len(ids) > MOST_KEPT:
        old = (versions.c.account == account) & (versions.c.id <= ids[MOST_KEPT])
        await connection.execute(delete(versions).where(old))
