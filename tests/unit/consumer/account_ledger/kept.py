"""A ledger in memory that may be broken, and whose the Kit account is that an account's credential opens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from tests.unit.virtual_time import VirtualClock
from worker.accounts.account import Account
from worker.consumer.account_ledger import AccountLedger
from worker.consumer.holds import Holds
from worker.consumer.shared import Shared
from worker.errors import CredentialRefused, EpochLost, LedgerUnavailable
from worker.kit.catalog import Catalog
from worker.kit.names import Names
from worker.ledger.failures import Usability
from worker.ledger.takeover import Tenure
from worker.subscribers.identity import home_app
from worker.subscribers.known import Batch, KitName, Known
from worker.subscribers.record import Record

NOTHING_KNOWN = Known({}, {}, {})


@dataclass
class Kept:
    """A ledger in memory, which may be broken.

    Attributes:
        broken: What fails: `take`, `load` or `save`.
        epoch: Whoever took the account last has it.
    """

    broken: set[str] = field(default_factory=set)
    epoch: int = 0
    saved: list[Batch] = field(default_factory=list)
    released: int = 0
    names: list[KitName] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    tenures: list[Tenure] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    database: Any = field(default_factory=lambda: SimpleNamespace(usability=Usability()))

    async def take(self, account: str, kit_account: int, apps: Collection[str]) -> Tenure:
        await self._do("take")
        self.epoch += 1
        return Tenure(
            account,
            self.epoch,
            0,
            kit_account,
            known_since=float(self.epoch),
            names=tuple(self.names),
            home_app=home_app(apps),
        )

    async def load(self, tenure: Tenure, _: Collection[str], __: Collection[str]) -> Known:
        await self._do("load", tenure)
        return NOTHING_KNOWN

    async def save(self, tenure: Tenure, batch: Batch) -> None:
        self.numbers.append(batch.number)
        await self._do("save", tenure)
        self.saved.append(batch)
        self.names += batch.names

    async def release(self, tenure: Tenure) -> None:
        await self._do("release", tenure)
        self.released += 1

    async def _do(self, what: str, tenure: Tenure | None = None) -> None:
        self.calls.append(what)
        if tenure is not None:
            self.tenures.append(tenure)
        await asyncio.sleep(0.01)
        if what in self.broken:
            raise LedgerUnavailable(f"{what} does not work")
        if tenure is not None and tenure.epoch != self.epoch:
            raise EpochLost("somebody else has it")


@dataclass
class FakeShared:
    """A ledger, and whose the Kit account is that an account's credential opens."""

    ledger: Any
    owner: str = ""

    async def take_kit_account(self, *_: object) -> None:
        if self.owner:
            raise CredentialRefused(f"its Kit account is that of {self.owner}")


@dataclass
class FakeKitAccount:
    """Both what is known of Kit and the way there, and the holds.

    Attributes:
        seen: When the ledger was asked of which the answer said that the account is ours.
    """

    owned_by: str = ""
    unanswered: bool = False
    created: int = 0
    names: Names = field(default_factory=Names)
    seen: list[float] = field(default_factory=list)

    def tenure_began(self, asked: float, *, in_doubt: bool) -> None:
        self.unanswered = in_doubt
        self.seen.append(asked)

    def tenure_seen(self, asked: float) -> None:
        self.seen.append(asked)

    def tenure_ended(self) -> None:
        pass

    @property
    def lists(self) -> FakeKitAccount:
        return self

    @property
    def client(self) -> FakeKitAccount:
        return self

    def take_sent(self) -> int:
        return 3

    def take_named(self) -> list[KitName]:
        return self.names.take_new()

    def recall(self, names: Iterable[KitName]) -> None:
        self.names.recall(names)

    async def account_id(self) -> int:
        await asyncio.sleep(0.01)
        return 7

    async def ask(self, question: Callable[[], Awaitable[int]]) -> int:
        return await question()

    def take_created(self) -> int:
        created, self.created = self.created, 0
        return created

    def count_created(self, before: int) -> None:
        self.created = before


def ledger_of(kept: Kept, kit: FakeKitAccount | None = None, holds: Holds | None = None) -> AccountLedger:
    kit = kit or FakeKitAccount()
    shared, catalog = FakeShared(kept, kit.owned_by), cast("Catalog", kit)
    account = Account("sunny", ("bakery",))
    return AccountLedger(account, cast("Shared", shared), catalog, holds or cast("Holds", kit))


def batch() -> Batch:
    return Batch([Record("ada@example.com")])
