"""Which account is connected to which Kit account: each to one, and none to another one's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Executable, and_, case, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.errors import LedgerUnavailable
from worker.ledger.rows import insert
from worker.ledger.schema import tokens

TRIES: Final = 5


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


class TakenError(Exception):
    """Another account is connected to this Kit account already; the text is its name."""


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
        TakenError: Another account is connected to that Kit account.
        OtherConnectionError: This account is connected to another one, which it shall not replace.
        LedgerUnavailable: Others connect and disconnect without end.
    """
    for _ in range(TRIES):
        try:
            async with connection.begin_nested():
                done = await connection.execute(_in_place(connection, made, instead_of))
        except IntegrityError:
            if owner := await _owner(connection, made):
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
    replaceable = _of_kit_account(made)
    if instead_of is not None:
        replaceable |= and_(
            tokens.c.kit_account == instead_of.kit_account, tokens.c.connected_at == instead_of.at
        )
    return statement.on_conflict_do_update(index_elements=["account"], set_=values, where=replaceable)


def _of_kit_account(made: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(tokens.c.kit_account == made["kit_account"], tokens.c.kit_url == made["kit_url"])


async def _owner(connection: AsyncConnection, made: Mapping[str, Any]) -> str | None:
    query = select(tokens.c.account).where(_of_kit_account(made))
    return (await connection.execute(query)).scalar_one_or_none()


async def _connected(connection: AsyncConnection, account: str) -> Connected | None:
    query = select(tokens.c.kit_account, tokens.c.connected_at, tokens.c.problem)
    row = (await connection.execute(query.where(tokens.c.account == account))).one_or_none()
    return None if row is None else Connected(*row)
