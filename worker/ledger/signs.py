"""By what the ledger knows a person: addresses, also those of before, and the platform's ids."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.ledger.database import Database
from worker.ledger.schema import accounts, people, subscribers
from worker.subscribers.identity import NO_HOME, person_key


class KnownId(NamedTuple):
    """Whom an account knows by an id of one of its apps; the app is empty where there is none."""

    account: str
    app: str
    email: str


async def people_of_id(
    database: Database, user_id: str, apps: Mapping[str, Collection[str]], only: str | None = None
) -> list[KnownId]:
    """Return whom each account knows by an id, as the platform gives it.

    Args:
        database: The ledger's.
        user_id: The id.
        apps: Those of each account's file.
        only: Look in this account alone.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    found, of_accounts = [], select(accounts.c.account, accounts.c.home_app)
    if only is not None:
        of_accounts = of_accounts.where(accounts.c.account == only)
    async with database.read() as connection:
        homes = (await connection.execute(of_accounts)).all()
        for account, home in homes:
            named = {"" if home == NO_HOME else home or "", *apps.get(account, ())}
            keys = {person_key(user_id, app or None, home or ""): app for app in sorted(named)}
            query = select(people.c.user_id, people.c.email).where(
                people.c.account == account, people.c.user_id.in_(keys)
            )
            rows = (await connection.execute(query)).all()
            found += [KnownId(account, keys[row.user_id], row.email) for row in rows]
    return found


async def all_addresses(
    connection: AsyncConnection, names: Collection[str], emails: Collection[str]
) -> set[str]:
    """Return all addresses of a person; one that an account knows leads to the person in the others, too."""
    found, asked = set(emails), set[str]()
    while found != asked:
        asked = set(found)
        for name in names:
            found |= (await signs_of(connection, name, asked))[0]
    return found


async def signs_of(
    connection: AsyncConnection, account: str, emails: Collection[str]
) -> tuple[set[str], set[str], set[str]]:
    """Return by what an account knows the person who has or had these addresses.

    An address that a person left and that somebody else has now is that other person's.

    Returns:
        The addresses, the user ids, and the addresses that were left to somebody else.
    """
    mine, users = set(emails), set[str]()
    left: set[str] = set()
    while True:
        found_users = await _users(connection, account, mine)
        found = await _current(connection, account, found_users)
        before = await _former(connection, account, mine | found)
        left = {each for each in before - mine if await _users(connection, account, {each}) - found_users}
        found |= before - left
        for address, gone_to in await _moves(connection, account, mine):
            if not await _users(connection, account, {address}):
                found.add(gone_to)
        if found_users <= users and found <= mine:
            return mine, users, left
        mine |= found
        users |= found_users


async def _users(connection: AsyncConnection, account: str, emails: Collection[str]) -> set[str]:
    query = select(people.c.user_id).where(people.c.account == account, people.c.email.in_(emails))
    return set((await connection.execute(query)).scalars())


async def _current(connection: AsyncConnection, account: str, user_ids: Collection[str]) -> set[str]:
    """Return where these users are."""
    query = select(people.c.email).where(people.c.account == account, people.c.user_id.in_(user_ids))
    return set((await connection.execute(query)).scalars())


async def _former(connection: AsyncConnection, account: str, emails: Collection[str]) -> set[str]:
    """Return the addresses that somebody left for these."""
    query = select(subscribers.c.email).where(
        subscribers.c.account == account, subscribers.c.moved_to.in_(emails)
    )
    return set((await connection.execute(query)).scalars())


async def _moves(connection: AsyncConnection, account: str, emails: Collection[str]) -> list[tuple[str, str]]:
    """Return which of these addresses were left, and for which."""
    row = (subscribers.c.account == account) & subscribers.c.email.in_(emails)
    query = select(subscribers.c.email, subscribers.c.moved_to).where(
        row, subscribers.c.moved_to.is_not(None)
    )
    return [(email, gone_to) for email, gone_to in await connection.execute(query)]


async def home_app_of(connection: AsyncConnection, account: str) -> str:
    """Return an account's home app; see `person_key`."""
    query = select(accounts.c.home_app).where(accounts.c.account == account)
    return (await connection.execute(query)).scalar() or ""
