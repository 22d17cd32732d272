"""The connection test: how the broker and the ledger stand; `check_kit` has the part about Kit.

It changes nothing: nothing is declared in the broker, and no ledger is made. What the worker will need is
tried with commands that are refused, or undone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from worker.broker.address import mask_url
from worker.broker.connection import Connection
from worker.broker.queues import connected, exchange_exists, queue_state, what_differs
from worker.broker.topology import (
    EARLIER_DEAD_LETTER_QUEUE,
    OUTDATED,
    dead_letter_queue,
    dead_letter_queue_arguments,
    work_queue,
    work_queue_arguments,
)
from worker.broker.version import version_warnings
from worker.clock import Clock
from worker.errors import BrokerUnavailable, LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.held import held_counts
from worker.ledger.migrations import MIGRATIONS, newest
from worker.ledger.store import Ledger
from worker.ops.findings import Finding, look
from worker.settings import Settings


class QueueCheck(StrEnum):
    """How a queue stands."""

    AS_WANTED = "as wanted"
    NOT_YET = "not declared yet"
    DIFFERS = "differs"
    OUTDATED = "an earlier version's"


@dataclass(frozen=True, slots=True)
class QueueReport:
    """One queue.

    Attributes:
        ready: Messages that wait in it; None where there is no queue.
        detail: What differs, and what to do; empty where nothing does.
    """

    queue: str
    state: QueueCheck
    ready: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """The broker.

    Attributes:
        url: Without its password.
        problem: Why it could not be asked; empty where it could.
        version: RabbitMQ's own; empty where it is not told.
        warnings: What is good to know about that version.
        exchange: Whether the events' exchange exists yet.
        findings: What a person should see to.
    """

    url: str
    problem: str = ""
    version: str = ""
    warnings: tuple[str, ...] = ()
    exchange: bool = False
    queues: tuple[QueueReport, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The ledger.

    Attributes:
        name: Its address, without a password.
        exists: Whether there is one yet; the worker makes it.
        problem: Why it could not be asked; empty where it could.
        held: By account, how many new taggings wait for somebody to allow them.
    """

    name: str
    exists: bool = True
    problem: str = ""
    held: Mapping[str, int] = field(default_factory=dict)


# -- the broker -------------------------------------------------------------------------------------------


async def check_broker(settings: Settings, accounts: Iterable[str]) -> BrokerReport:
    """Return how the broker stands; whatever fails is in the report."""
    url, accounts = settings.amqp_url.get_secret_value(), tuple(accounts)
    try:
        async with connected(url, "check") as connection:
            return BrokerReport(
                url=connection.where,
                version=connection.version,
                warnings=version_warnings(connection.version),
                exchange=await exchange_exists(connection, settings.events_exchange),
                queues=tuple(
                    [report for name in accounts for report in await _check_queues(connection, name)]
                ),
                findings=await look(connection, settings.events_exchange, accounts),
            )
    except BrokerUnavailable as error:
        return BrokerReport(url=mask_url(url), problem=str(error))


async def _check_queues(connection: Connection, account: str) -> list[QueueReport]:
    dead = await _check_queue(connection, dead_letter_queue(account), dead_letter_queue_arguments())
    if dead.state is QueueCheck.DIFFERS and not await what_differs(
        connection, dead.queue, EARLIER_DEAD_LETTER_QUEUE
    ):
        remedy = f"{OUTDATED}; kit-worker dead-letters renew --account {account} makes it anew"
        dead = replace(dead, state=QueueCheck.OUTDATED, detail=remedy)
    return [await _check_queue(connection, work_queue(account), work_queue_arguments(account)), dead]


async def _check_queue(connection: Connection, queue: str, arguments: dict[str, Any]) -> QueueReport:
    state = await queue_state(connection, queue)
    if state is None:
        return QueueReport(queue, QueueCheck.NOT_YET)
    detail = await what_differs(connection, queue, arguments)
    if detail:
        remedy = "let it run empty, delete it in RabbitMQ, and the worker declares it anew"
        return QueueReport(queue, QueueCheck.DIFFERS, state.ready, f"{detail}; {remedy}")
    return QueueReport(queue, QueueCheck.AS_WANTED, state.ready)


# -- the ledger -------------------------------------------------------------------------------------------


async def check_ledger(settings: Settings, clock: Clock) -> LedgerReport:
    """Return how the ledger stands, and whether it could be written; whatever fails is in the report.

    Args:
        settings: Where it is.
        clock: Hears what time it is by the ledger's.
    """
    database = Database(settings.ledger_url.get_secret_value())
    exists, held = True, dict[str, int]()
    try:
        version = await database.version()
        exists = version > 0
        await database.try_writing(clock)
        if version == newest(MIGRATIONS):  # an older one knows of none
            async with Ledger(database, worker="kit-worker check", clock=clock) as ledger:
                held = await held_counts(ledger)
    except LedgerUnavailable as error:
        return LedgerReport(database.name, exists=exists, problem=str(error))
    return LedgerReport(database.name, exists=exists, held=held)
