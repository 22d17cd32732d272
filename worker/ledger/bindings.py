"""Which bindings the accounts' queues were given, so that those no longer wanted go, also after a restart."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import delete, select, tuple_

from worker.ledger.rows import insert
from worker.ledger.schema import bindings
from worker.ledger.store import Ledger

Binding: TypeAlias = tuple[str, str]
"""An exchange and a routing key."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """What is noted of bindings, which RabbitMQ cannot be asked for by AMQP.

    All methods raise `LedgerUnavailable`.
    """

    ledger: Ledger

    async def note(self, account: str, wanted: Collection[Binding]) -> frozenset[Binding]:
        """Note bindings before they are made; return all that were noted before."""
        query = select(bindings.c.exchange, bindings.c.key).where(bindings.c.account == account)
        async with self.ledger.database.read() as connection:
            noted = frozenset((row.exchange, row.key) for row in await connection.execute(query))
        rows = [
            {"account": account, "exchange": exchange, "key": key}
            for exchange, key in sorted(frozenset(wanted) - noted)
        ]
        if rows:
            async with self.ledger.database.write() as connection:
                await connection.execute(insert(connection, bindings).on_conflict_do_nothing(), rows)
        return noted

    async def drop(self, account: str, gone: Collection[Binding]) -> None:
        """Forget bindings, once they are removed."""
        these = tuple_(bindings.c.exchange, bindings.c.key).in_(sorted(gone))
        async with self.ledger.database.write() as connection:
            await connection.execute(delete(bindings).where(bindings.c.account == account, these))
