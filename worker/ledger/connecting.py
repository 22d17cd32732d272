"""Which account has which Kit account: each one, and none another one's, whatever lets it into Kit.

A key that was entered, and tokens, are in the ledger with the Kit account that they open. Of a secret that is
elsewhere the ledger has a mark, that of its place, and beside it what it opens, as Kit has said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, Row, Table, and_, case, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.errors import LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.migrations import MIGRATIONS, newest
from worker.ledger.rows import insert, upsert
from worker.ledger.schema import claims, tokens

TRIES: Final = 5
TAKEN: Final = "its Kit account is another account's already"
"""With this begins what is said of an account whose credential opens another one's Kit account."""
_NONE: Final = {"kit_account": None, "kit_url": None}


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
class Opened:
    """What an account's credential opens.

    Attributes:
        place: Where its secret is, as a mark among the claims; empty where it is in the ledger itself.
        kit_account: Kit's id of the account.
        kit_url: Where Kit is.
    """

    account: str
    place: str
    kit_account: int
    kit_url: str


class TakenError(Exception):
    """Another account has this Kit account already; the text is its name."""


class OtherConnectionError(Exception):
    """The account is connected to another Kit account, of which nobody said that it be replaced.

    Attributes:
        connected: How it is connected.
    """

    def __init__(self, connected: Connected) -> None:
        super().__init__(f"connected to account {connected.kit_account} at Kit")
        self.connected = connected


async def connect(connection: AsyncConnection, made: Mapping[str, Any], instead_of: Connected | None) -> None:
    """Write the row of an account that was connected just now, in a transaction of the caller's.

    That is one statement, and the database gives one Kit account one row: of several that come at once, one
    succeeds, and the others are told whom they found there. Without `instead_of`, the connection that it
    shall replace, it takes the place of one to the same Kit account only.

    Raises:
        TakenError: Another account has that Kit account.
        OtherConnectionError: This account is connected to another one, which it shall not replace.
        LedgerUnavailable: Others connect and disconnect without end.
    """
    claim = await _claim(connection, made["kit_account"], made["kit_url"])
    if claim is not None and claim.account != made["account"]:
        raise TakenError(claim.account)
    for _ in range(TRIES):
        try:
            async with connection.begin_nested():
                done = await connection.execute(_in_place(connection, made, instead_of))
        except IntegrityError:
            if owner := await _connected_to(connection, made["kit_account"], made["kit_url"]):
                raise TakenError(owner) from None
            continue  # it was disconnected in this very moment
        if done.rowcount == 1:
            return
        if other := await _connected(connection, made["account"]):
            raise OtherConnectionError(other)
    raise LedgerUnavailable("this Kit account is connected and disconnected again and again; try once more")


def _in_place(
    connection: AsyncConnection, made: Mapping[str, Any], instead_of: Connected | None
) -> Executable:
    statement = insert(connection, tokens).values(**made)
    new = statement.excluded
    # After a disconnection, mere counting would give numbers of the connection before, and a refresh of that
    # one that is still under way would be taken for this one's.
    version = case((tokens.c.version < new.version, new.version), else_=tokens.c.version + 1)
    values = {**{name: new[name] for name in made if name != "account"}, "version": version}
    replaceable = _of(tokens, made["kit_account"], made["kit_url"])
    if instead_of is not None:
        replaceable |= and_(
            tokens.c.kit_account == instead_of.kit_account, tokens.c.connected_at == instead_of.at
        )
    return statement.on_conflict_do_update(index_elements=["account"], set_=values, where=replaceable)


async def _connected(connection: AsyncConnection, account: str) -> Connected | None:
    query = select(tokens.c.kit_account, tokens.c.connected_at, tokens.c.problem)
    row = (await connection.execute(query.where(tokens.c.account == account))).one_or_none()
    return None if row is None else Connected(*row)


# -- whose a Kit account is -------------------------------------------------------------------------------


async def take_kit_account(database: Database, opened: Opened) -> None:
    """Have a Kit account be an account's from now on, unless it is another one's; what it had before is free.

    Whoever had it first keeps it. The place of a key may move to another account's file, and the Kit account
    goes with it; `let_go` frees that of an account whose file is gone.

    Raises:
        TakenError: It is another account's.
        LedgerUnavailable: The ledger could not be used.
    """
    before = (claims.c.account == opened.account) & ~_of(claims, opened.kit_account, opened.kit_url)
    async with database.write() as connection:
        await connection.execute(update(claims).where(before).values(_NONE))
        owner = await _owner(connection, opened)
        if owner == opened.account and opened.place:
            owner = await _owner_after_claim(connection, opened)
    if owner != opened.account:
        raise TakenError(owner)


async def check_kit_account(database: Database, opened: Opened) -> None:
    """Return where a Kit account is no other account's, making no ledger; raises as `take_kit_account`."""
    if await database.version() != newest(MIGRATIONS):
        return
    async with database.read() as connection:
        if (owner := await _owner(connection, opened)) != opened.account:
            raise TakenError(owner)


async def let_go(database: Database, account: str) -> bool:
    """Free the Kit account of an account whose key is not in the ledger; tell whether it had one.

    Raises:
        LedgerUnavailable: The ledger could not be used.
    """
    its = (claims.c.account == account) & claims.c.kit_account.is_not(None)
    async with database.write() as connection:
        return (await connection.execute(update(claims).where(its).values(_NONE))).rowcount > 0


def taken(owner: str) -> str:
    """Return what is said, to operators, of an account whose credential opens another one's Kit account."""
    return (
        f"{TAKEN}, that of {owner}; one Kit account is one file: list both apps there (app: [one, two]) and "
        "delete this one, or name the key of another Kit account here. If "
        f"{owner} has no file any more: kit-worker disconnect {owner}"
    )


async def _owner_after_claim(connection: AsyncConnection, opened: Opened) -> str:
    # By another place perhaps. Never another account's: it may have come in this very moment.
    ours = _of(claims, opened.kit_account, opened.kit_url) & (claims.c.account == opened.account)
    row: dict[str, Any] = {"mark": opened.place, "account": opened.account}
    row |= {"kit_account": opened.kit_account, "kit_url": opened.kit_url}
    try:
        async with connection.begin_nested():
            await connection.execute(update(claims).where(ours).values(_NONE))
            await upsert(connection, claims, [row])
    except IntegrityError:  # so it has
        return await _owner(connection, opened)
    return opened.account


async def _owner(connection: AsyncConnection, opened: Opened) -> str:
    """Return whose a Kit account is; the account's own where it is nobody's.

    A claim goes before a connection: where both were made in one moment, one of the two goes on.
    """
    claim = await _claim(connection, opened.kit_account, opened.kit_url)
    if claim is not None:
        return opened.account if claim.mark == opened.place else claim.account
    return await _connected_to(connection, opened.kit_account, opened.kit_url) or opened.account


async def _claim(connection: AsyncConnection, kit_account: int, kit_url: str) -> Row[Any] | None:
    """Return the mark and the account of the claim to a Kit account; None where there is none."""
    query = select(claims).where(_of(claims, kit_account, kit_url))
    return (await connection.execute(query)).one_or_none()


async def _connected_to(connection: AsyncConnection, kit_account: int, kit_url: str) -> str | None:
    query = select(tokens.c.account).where(_of(tokens, kit_account, kit_url))
    return (await connection.execute(query)).scalar_one_or_none()


def _of(table: Table, kit_account: int, kit_url: str) -> ColumnElement[bool]:
    return and_(table.c.kit_account == kit_account, table.c.kit_url == kit_url)
