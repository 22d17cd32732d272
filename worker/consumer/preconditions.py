"""What must hold before an account consumes: one ledger for all its workers, and a Kit that answers."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from worker.broker.topology import work_queue
from worker.consumer.shared import Tools
from worker.errors import CredentialRefused, KitRejected, KitWorkerError, LedgerNotShared, TryLater
from worker.kit.auth.login import Login
from worker.kit.client import KitClient

log = structlog.get_logger()


async def check_shared(tools: Tools, account: str, *, stale: int) -> None:
    """Register as a consumer, unless somebody consumes who keeps another ledger: each would undo the other.

    Args:
        tools: The worker's.
        account: Whose queue is to be consumed.
        stale: How many consumers of this worker's own RabbitMQ may still count.

    Raises:
        LedgerNotShared: The queue has a consumer that is not registered in our ledger.
        LedgerUnavailable: It could not be asked.
        BrokerUnavailable: The queue's consumers could not be counted.
    """
    others = await tools.registry.consumes(account)
    counted = await tools.topology.consumers(account)
    if counted > others + stale:
        raise LedgerNotShared(
            f"{work_queue(account)} has {counted} consumers, of which {others} are registered in the ledger "
            f"{tools.ledger.database.name}: somebody else consumes it, with another ledger or none. All "
            "workers need the same one: on several hosts a PostgreSQL, "
            "LEDGER_URL=postgresql+asyncpg://user:password@host/database"
        )


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of asking Kit.

    Attributes:
        answers: Whether it works well enough to try a write.
        state: What the account is otherwise; one of `metrics.STATES`.
        problem: Why, for people.
    """

    answers: bool
    state: str = ""
    problem: str = ""


async def check_login(login: Login) -> Probed:
    """Look whether there is a credential, without asking Kit."""
    try:
        await login.check()
    except CredentialRefused as error:
        return Probed(answers=False, state="credential_refused", problem=str(error))
    except TryLater as error:
        return Probed(answers=False, state="held", problem=str(error))
    return Probed(answers=True)


async def probe(client: KitClient) -> Probed:
    """Ask Kit for the account, which changes nothing."""
    try:
        await client.probe()
    except CredentialRefused as error:
        return Probed(answers=False, state="credential_refused", problem=str(error))
    except KitRejected as error:
        log.warning("probe_rejected", problem=str(error))  # it answers; writing decides
    except KitWorkerError as error:
        return Probed(answers=False, state="held", problem=str(error))
    return Probed(answers=True)


async def account_id(client: KitClient) -> int:
    """Return Kit's id of the account behind the credential; 0 where Kit does not say.

    Raises:
        CredentialRefused, TryLater: As `KitClient.call` raises them.
    """
    try:
        return (await client.call("GET", "/v4/account")).id_of("account")
    except KitRejected as error:
        log.warning("probe_rejected", problem=str(error))
        return 0
