"""Erasing kept events of others that mention somebody.

They are read in portions, outside of any transaction, as the history is (`ledger.mentions`): an address may
stand in them in any form, and no index finds it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping, and_, bindparam, func, select, update

from worker.ledger.database import Database
from worker.ledger.newest_table import newest_events
from worker.ledger.schema import accounts
from worker.subscribers.mentioning import Mentions, strings_in, text_of

PORTION: Final = 1_000
"""Events that are looked through at once; each takes up to 16 KB."""
_OF: Final = newest_events.c
_WHICH: Final = (*newest_events.primary_key, _OF.place)
"""A newer event that has taken the place of the one that was read stays."""


async def erase_kept_mentions(
    database: Database, account: str, addresses: Collection[str], user_ids: Collection[str]
) -> int:
    """Let no event that is kept in an account mention somebody; return how many did.

    Of these is known only that they came, as of one that is too large. Where it ends half-way, it can begin
    anew.

    Args:
        database: The ledger's.
        account: Its name.
        addresses: Of the person, as `normalize_email` writes them.
        user_ids: Likewise, as `person_key` writes them.

    Raises:
        LedgerUnavailable: The ledger could not be used; some mentions may be gone.
    """
    mentions, after, erased = Mentions(addresses, user_ids), "", 0
    while (last := await _end_of_portion(database, account, after)) is not None:
        portion = (_OF.account == account) & (_OF.email > after) & (_OF.email <= last)
        async with database.read() as connection:
            rows = await connection.execute(
                select(*_WHICH, _OF.message).where(portion, _OF.message != b"").order_by(*_WHICH)
            )
            found = [_which(row) for row in rows.mappings() if _mentions(mentions, row["message"])]
        if found:
            await _erase(database, account, found)
        after, erased = last, erased + len(found)
    return erased


async def _end_of_portion(database: Database, account: str, after: str) -> str | None:
    events = select(_OF.email).where(_OF.account == account, _OF.email > after)
    portion = events.order_by(_OF.email).limit(PORTION).subquery()
    async with database.read() as connection:
        last: str | None = (await connection.execute(select(func.max(portion.c.email)))).scalar()
    return last


def _mentions(mentions: Mentions, message: bytes) -> bool:
    """Tell whether an event, as `consumer.newest` keeps it, mentions somebody."""
    if not mentions.may_be_in(message):
        return False
    try:
        body, *around = msgspec.msgpack.decode(message, type=tuple[bytes, dict[str, Any], dict[str, Any]])
    except msgspec.MsgspecError:
        return mentions.in_texts((text_of(message),))
    return mentions.in_event(body, strings_in(around))


def _which(row: RowMapping) -> dict[str, Any]:
    return {f"its_{column.name}": row[column.name] for column in _WHICH}


async def _erase(database: Database, account: str, events: Collection[dict[str, Any]]) -> None:
    this = and_(*(column == bindparam(f"its_{column.name}") for column in _WHICH))
    async with database.write() as connection:
        # Workers write while they hold the account's row: so nobody waits in a circle (PostgreSQL).
        row = select(accounts.c.account).where(accounts.c.account == account)
        await connection.execute(row.with_for_update())
        await connection.execute(update(newest_events).where(this).values(message=b""), list(events))
