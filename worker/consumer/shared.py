"""What the consumers of all accounts share with each other."""

from __future__ import annotations

from dataclasses import dataclass, field

from worker.accounts.account import Account
from worker.accounts.claims import opened_by
from worker.broker.broker import Broker
from worker.broker.management import Management
from worker.broker.topology import Topology, work_queue
from worker.clock import Clock
from worker.consumer.room import Room
from worker.errors import CredentialRefused, LedgerNotShared
from worker.kit.access import KitAccess
from worker.kit.catalog import Catalog
from worker.ledger.bindings import Bindings
from worker.ledger.connecting import TakenError, take_kit_account, taken
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.metrics import Metrics
from worker.retry import PATIENCE, Patience


@dataclass(frozen=True, slots=True)
class Shared:
    """One process's connections, and what is the same for all its accounts.

    Attributes:
        worker_id: Names this worker; the broker balances accounts by it.
        known_ttl: Seconds for which Kit's answers are relied on.
        bindings: What is noted of the bindings of the accounts' queues.
        management: RabbitMQ's management API; None where nobody said where it is.
        room: For the messages in hand.
        patience: How long accounts wait before they give something up or back.
    """

    broker: Broker
    topology: Topology
    ledger: Ledger
    registry: Registry
    kit: KitAccess
    metrics: Metrics
    clock: Clock
    worker_id: str
    known_ttl: float
    bindings: Bindings
    management: Management | None = None
    room: Room = field(default_factory=Room)
    patience: Patience = PATIENCE

    async def take_kit_account(self, account: Account, catalog: Catalog) -> None:
        """Have the Kit account that a credential opens be its account's: two would undo each other's work.

        Kit is not asked: it has said which one that is, or will once the account has something to do.

        Raises:
            CredentialRefused: It is another account's.
            LedgerUnavailable: It could not be asked.
        """
        if not catalog.known_account_id:
            return
        opened = opened_by(account, catalog.known_account_id, self.kit.url)
        try:
            await take_kit_account(self.ledger.database, opened)
        except TakenError as error:
            raise CredentialRefused(taken(str(error))) from error

    async def check_ledger(self, account: str, *, stale: int) -> None:
        """Register as a consumer, unless one of another ledger consumes, too: each would undo the other.

        Args:
            account: Whose queue is to be consumed.
            stale: How many consumers of this worker's own RabbitMQ may still count.

        Raises:
            LedgerNotShared: The queue has a consumer that is not registered in our ledger.
            LedgerUnavailable: It could not be asked.
            BrokerUnavailable: The queue's consumers could not be counted.
        """
        others = await self.registry.consumes(account)
        counted = await self.topology.consumers(account)
        if counted > others + stale:
            raise LedgerNotShared(
                f"{work_queue(account)} has {counted} consumers, of which {others} are registered in the "
                f"ledger {self.ledger.database.name}: somebody else consumes it, with another ledger or "
                "none. "
                "All workers need the same one: on several hosts a PostgreSQL, "
                "LEDGER_URL=postgresql+asyncpg://user:password@host/database"
            )
