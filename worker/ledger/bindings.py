"""Which bindings the accounts' queues were given, so that those no longer wanted go, also after a restart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import delete, select, tuple_

from worker.ledger.rows import insert
from worker.ledger.schema import bindings
from worker.ledger.store import Ledger
from worker.ledger.together import Together

Binding: TypeAlias = tuple[str, str]
"""An exchange and a routing key."""
_Wanted: TypeAlias = tuple[str, frozenset[Binding]]
"""An account, and its bindings."""


@dataclass(frozen=True, slots=True)
class Bindings:
    """What is noted of bindings, which RabbitMQ cannot be asked for by AMQP.

    All methods raise `LedgerUnavailable`.
    """

    ledger: Ledger
    _noting: Together[_Wanted, frozenset[Binding]] = field(default_factory=Together)

    async def note(self, account: str, wanted: Collection[Binding]) -> frozenset[Binding]:
        """Note bindings before they are made; return all that were noted before."""
        return await self._noting.ask((account, frozenset(wanted)), self._note_all)

    async def _note_all(self, questions: Collection[_Wanted]) -> dict[_Wanted, frozenset[Binding]]:
        of = bindings.c
        query = select(of.account, of.exchange, of.key).where(of.account.in_({each for each, _ in questions}))
        noted = defaultdict[str, set[Binding]](set)
        async with self.ledger.database.read() as connection:
            for row in await connection.execute(query):
                noted[row.account].add((row.exchange, row.key))
        new = {(name, *each) for name, wanted in questions for each in wanted - noted[name]}
        if new:
            rows = [dict(zip(("account", "exchange", "key"), each, strict=True)) for each in sorted(new)]
            async with self.ledger.database.write() as connection:
                await connection.execute(insert(connection, bindings).on_conflict_do_nothing(), rows)
        return {question: frozenset(noted[question[0]]) for question in questions}

    async def drop(self, account: str, gone: Collection[Binding]) -> None:
        """Forget bindings, once they are removed."""
        these = tuple_(bindings.c.exchange, bindings.c.key).in_(sorted(gone))
        async with self.ledger.database.write() as connection:
            await connection.execute(delete(bindings).where(bindings.c.account == account, these))
