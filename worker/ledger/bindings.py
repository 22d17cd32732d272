"""Which bindings the accounts' queues were given, so that those no longer wanted go, also after a restart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

from sqlalchemy import delete, select, tuple_

from worker.ledger.rows import insert
from worker.ledger.schema import bindings
from worker.ledger.store import Ledger

Binding: TypeAlias = tuple[str, str]
"""An exchange and a routing key."""

_DECLARED: Final[Binding] = ("", "declared")
"""The row that says so of an account; no binding is to an exchange without a name."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """What is noted of bindings, which RabbitMQ cannot be asked for by AMQP.

    All methods raise `LedgerUnavailable`.
    """

    ledger: Ledger

    async def note(self, account: str, wanted: Collection[Binding]) -> frozenset[Binding]:
        """Note bindings before they are made; return all that were noted before."""
        ours = bindings.c.account == account, bindings.c.exchange != _DECLARED[0]
        query = select(bindings.c.exchange, bindings.c.key).where(*ours)
        async with self.ledger.database.read() as connection:
            noted = frozenset((row.exchange, row.key) for row in await connection.execute(query))
        await self._add(account, frozenset(wanted) - noted)
        return noted

    async def are_declared(self, account: str) -> bool:
        """Tell whether an account's queues were there once, by whichever worker."""
        exchange, key = _DECLARED
        is_it = bindings.c.account == account, bindings.c.exchange == exchange, bindings.c.key == key
        async with self.ledger.database.read() as connection:
            return (await connection.execute(select(bindings.c.key).where(*is_it))).first() is not None

    async def note_declared(self, account: str) -> None:
        """Note that an account's queues are there now."""
        await self._add(account, {_DECLARED})

    async def _add(self, account: str, new: Collection[Binding]) -> None:
        rows = [{"account": account, "exchange": exchange, "key": key} for exchange, key in sorted(new)]
        if rows:
            async with self.ledger.database.write() as connection:
                await connection.execute(insert(connection, bindings).on_conflict_do_nothing(), rows)

    async def drop(self, account: str, gone: Collection[Binding]) -> None:
        """Forget bindings, once they are removed."""
        these = tuple_(bindings.c.exchange, bindings.c.key).in_(sorted(gone))
        async with self.ledger.database.write() as connection:
            await connection.execute(delete(bindings).where(bindings.c.account == account, these))
