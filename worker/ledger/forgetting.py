"""Erasing a person, and keeping just enough to know a late event of that person as one."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Table, case, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.errors import LedgerUnavailable
from worker.events.decode import MAX_AHEAD
from worker.events.values import time_text
from worker.ledger.drift import erase_drift
from worker.ledger.due import erase_due
from worker.ledger.kept_mentions import erase_kept_mentions
from worker.ledger.letters import erase_letters
from worker.ledger.mentions import erase_mentions, erase_old_mentions, newest_line
from worker.ledger.newest import erase_newest
from worker.ledger.plans import erase_planned
from worker.ledger.record_json import UnreadableError, dump_record, load_record
from worker.ledger.rows import insert_account, upsert
from worker.ledger.schema import accounts, forgotten, history, people, subscribers
from worker.ledger.signs import all_addresses, home_app_of, signs_of
from worker.ledger.store import Ledger
from worker.ledger.taggings import erase_held
from worker.ledger.wholly import wholly


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased in one account: rows of the ledger, lines of the history, and what was due.

    Attributes:
        addresses: Under which the person was known.
        user_ids: Likewise, as `person_key` writes them.
        home_app: The account's; see `person_key`.
    """

    account: str
    records: int
    people: int
    history: int
    due: int = 0
    addresses: frozenset[str] = frozenset()
    user_ids: frozenset[str] = frozenset()
    home_app: str = ""


async def known_by(
    ledger: Ledger, email: str, account_names: Collection[str], *, elsewhere: bool = True
) -> list[Erased]:
    """Return by what each account knows a person whom `forget` would erase with these; nothing is erased yet.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    async with ledger.database.read() as connection:
        names = await _accounts(connection, account_names, None if elsewhere else account_names)
        addresses = await all_addresses(connection, names, {email})
        return [await _known(connection, each, addresses) for each in names]


async def _known(connection: AsyncConnection, account: str, addresses: Collection[str]) -> Erased:
    emails, user_ids, _ = await signs_of(connection, account, addresses)
    return Erased(
        account,
        records=0,
        people=0,
        history=0,
        addresses=frozenset(emails),
        user_ids=frozenset(user_ids),
        home_app=await home_app_of(connection, account),
    )


async def forget(
    ledger: Ledger,
    email: str,
    account_names: Collection[str],
    told: Callable[[list[Erased]], None] = lambda _: None,
    *,
    elsewhere: bool = True,
) -> list[Erased]:
    """Erase a person from the ledger and the history, under every address the person had in any account.

    What stays is a keyed hash of the addresses and user ids with a moment: events of that time or older are
    dropped from now on. It lies as far ahead as an event of before may be dated. A worker
    that has the person in hand loses the account, and reads anew.

    Mentions in the history's other lines, and in events of others that are kept, go first: once the person's
    own rows are gone, nobody can tell any more what to look for. So whoever is interrupted before forgets
    again, by any of the addresses. From where these rows go on, it is done as a whole, also where it is
    called off meanwhile.

    Args:
        ledger: Where to erase.
        email: One address, as `normalize_email` writes it.
        account_names: In which the person may turn up, besides those that the ledger knows.
        told: Is told of what is erased, also where this is called off meanwhile.
        elsewhere: Whether in the ledger's other accounts, too; else nothing of theirs is looked at.

    Raises:
        LedgerUnavailable: Nothing of the person's own was erased.
    """
    addresses, only = {email}, None if elsewhere else account_names
    while True:
        async with ledger.database.read() as connection:
            names = await _accounts(connection, account_names, only)
            addresses |= await all_addresses(connection, names, addresses)
            user_ids = {name: (await signs_of(connection, name, addresses))[1] for name in names}
        newest = await newest_line(ledger.database)
        await erase_old_mentions(ledger.database, addresses, before=newest, only=only)
        for name in names:
            await erase_kept_mentions(ledger.database, name, addresses, user_ids[name])
        found = await wholly(_erase(ledger, addresses, account_names, since=newest, told=told, only=only))
        if isinstance(found, list):
            return found
        addresses |= found  # the person has moved meanwhile


async def last_forgotten(ledger: Ledger, account: str) -> tuple[int, str]:
    """Return what is another one once somebody else was forgotten in an account.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    query = select(func.count(), func.max(forgotten.c.until)).where(forgotten.c.account == account)
    async with ledger.database.read() as connection:
        count, until = (await connection.execute(query)).one()
    return count, until or ""


async def _erase(
    ledger: Ledger,
    known: Collection[str],
    account_names: Collection[str],
    *,
    since: int,
    told: Callable[[list[Erased]], None],
    only: Collection[str] | None,
) -> list[Erased] | set[str]:
    """Erase a person whose mentions before a line are gone; where addresses are new, only return these."""
    async with ledger.database.write() as connection:
        names = await _accounts(connection, account_names, only)
        # First, so that no worker writes anything of the person from here on, a new address least of all.
        for name in names:
            await _take_away(connection, name)
        if new := await all_addresses(connection, names, known) - set(known):
            return new
        erased = [await _forget_in(ledger, connection, name, known) for name in names]
        named = {each for found in erased for each in found.addresses}
        await erase_mentions(connection, named, since, only)
    told(erased)
    return erased


async def _accounts(
    connection: AsyncConnection, account_names: Collection[str], only: Collection[str] | None
) -> list[str]:
    if only is not None:
        return sorted(only)
    query = select(accounts.c.account).where(accounts.c.account != "")
    return sorted({*(await connection.execute(query)).scalars(), *account_names})


async def _forget_in(
    ledger: Ledger, connection: AsyncConnection, account: str, known_as: Collection[str]
) -> Erased:
    emails, user_ids, left = await signs_of(connection, account, known_as)
    marks = [ledger.mark("email", each) for each in emails] + [ledger.mark("user", each) for each in user_ids]
    until = time_text(datetime.fromtimestamp(ledger.clock.time(), UTC) + MAX_AHEAD)
    await upsert(
        connection, forgotten, [{"account": account, "mark": mark, "until": until} for mark in marks]
    )
    await _forget_where_to(connection, account, left)
    await erase_letters(connection, account, emails, user_ids)
    await erase_newest(connection, account, emails, user_ids)
    await erase_held(connection, account, emails)
    await erase_planned(connection, account, emails)
    await erase_drift(connection, account, emails)
    return Erased(
        account,
        records=await _delete(connection, subscribers, account, emails),
        people=await _delete(connection, people, account, emails),
        history=await _delete(connection, history, account, emails),
        due=await erase_due(connection, account, emails, user_ids),
        addresses=frozenset(emails),
        user_ids=frozenset(user_ids),
        home_app=await home_app_of(connection, account),
    )


async def _take_away(connection: AsyncConnection, account: str) -> None:
    """Let whoever has the account lose it; on PostgreSQL this waits for a write that is under way.

    Whoever has released it has nothing to lose, and what was said then stays true.
    """
    await connection.execute(insert_account(connection, account))
    taken = update(accounts).where(accounts.c.account == account)
    is_held = accounts.c.released_at.is_(None)
    epoch = case((is_held, accounts.c.epoch + 1), else_=accounts.c.epoch)
    await connection.execute(taken.values(epoch=epoch, holder="kit-worker forget"))


# -- erasing -----------------------------------------------------------------------------------------------


async def _forget_where_to(connection: AsyncConnection, account: str, emails: Collection[str]) -> None:
    """Let the records of those who have these addresses now not say where the person went."""
    rows = (subscribers.c.account == account) & subscribers.c.email.in_(emails)
    found = await connection.execute(select(subscribers.c.email, subscribers.c.state).where(rows))
    for address, state in found.all():
        try:
            record = load_record(address, None, state)
        except UnreadableError as error:
            raise LedgerUnavailable(f"the ledger holds a row of {account} that cannot be read") from error
        record.moved = None
        row = (subscribers.c.account == account) & (subscribers.c.email == address)
        await connection.execute(
            update(subscribers).where(row).values(state=dump_record(record).state, moved_to=None)
        )


async def _delete(connection: AsyncConnection, table: Table, account: str, emails: Collection[str]) -> int:
    gone = delete(table).where(table.c.account == account, table.c.email.in_(emails))
    return (await connection.execute(gone)).rowcount
