"""Which bindings the accounts' queues were given, so that those no longer wanted go, also after a restart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from sqlalchemy import delete, select, tuple_

from worker.ledger.rows import insert
from worker.ledger.schema import bindings
from worker.ledger.store import Ledger
from worker.ledger.together import Together

Binding: TypeAlias = tuple[str, str]
"""An exchange and a routing key."""
_Wanted: TypeAlias = tuple[str, frozenset[Binding]]
"""An account, and its bindings."""

_DECLARED: Final[Binding] = ("", "declared")
"""The row that says so of an account; no binding is to an exchange without a name."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What is noted of an account.

    Attributes:
        bindings: That were made, or were about to be.
        declared: Whether its queues were there once, by whichever worker.
    """

    bindings: frozenset[Binding] = frozenset()
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Bindings:
    """What is noted of bindings, which RabbitMQ cannot be asked for by AMQP.

    All methods raise `LedgerUnavailable`.
    """

    ledger: Ledger
    _noting: Together[_Wanted, Noted] = field(default_factory=Together)
    _declaring: Together[str, None] = field(default_factory=Together)

    async def note(self, account: str, wanted: Collection[Binding]) -> Noted:
        """Note bindings before they are made; return what was noted before."""
        return await self._noting.ask((account, frozenset(wanted)), self._note_all)

    async def note_declared(self, account: str) -> None:
        """Note that an account's queues are there now."""
        await self._declaring.ask(account, self._note_all_declared)

    async def _note_all(self, questions: Collection[_Wanted]) -> dict[_Wanted, Noted]:
        of = bindings.c
        query = select(of.account, of.exchange, of.key).where(of.account.in_({each for each, _ in questions}))
        noted = defaultdict[str, set[Binding]](set)
        async with self.ledger.database.read() as connection:
            for row in await connection.execute(query):
                noted[row.account].add((row.exchange, row.key))
        await self._add((name, *each) for name, wanted in questions for each in wanted - noted[name])
        return {
            (name, wanted): Noted(frozenset(noted[name] - {_DECLARED}), _DECLARED in noted[name])
            for name, wanted in questions
        }

    async def _note_all_declared(self, accounts: Collection[str]) -> dict[str, None]:
        await self._add((account, *_DECLARED) for account in accounts)
        return dict.fromkeys(accounts)

    async def _add(self, new: Iterable[tuple[str, str, str]]) -> None:
        rows = [dict(zip(("account", "exchange", "key"), each, strict=True)) for each in sorted(new)]
        if rows:
            async with self.ledger.database.write() as connection:
                await connection.execute(insert(connection, bindings).on_conflict_do_nothing(), rows)

    async def drop(self, account: str, gone: Collection[Binding]) -> None:
        """Forget bindings, once they are removed."""
        these = tuple_(bindings.c.exchange, bindings.c.key).in_(sorted(gone))
        async with self.ledger.database.write() as connection:
            await connection.execute(delete(bindings).where(bindings.c.account == account, these))
