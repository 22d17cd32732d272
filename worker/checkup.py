"""The connection test: what stands in the broker and in Kit, held against the account files.

It only reads: nothing is declared in the broker, and nothing is created in Kit.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from aiormq.abc import AbstractConnection

from worker.accounts import Account, OAuthApp
from worker.amqp import mask_url
from worker.broker_version import broker_version, version_warnings
from worker.changes import TagWish, tag_key
from worker.clock import awake_or_not
from worker.errors import BrokerUnavailable, CredentialRefused, KitWorkerError, LedgerUnavailable
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.limiter import Limiter
from worker.kit.oauth_login import not_connected
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.logins import Logins, logins_for
from worker.mapping import FIRST_NAME
from worker.queues import connected, exchange_exists, queue_state, what_differs
from worker.settings import Settings
from worker.topology import dead_letter_queue, dead_letter_queue_arguments, work_queue, work_queue_arguments


class QueueCheck(StrEnum):
    """How a queue stands."""

    AS_WANTED = "as wanted"
    NOT_YET = "not declared yet"
    DIFFERS = "differs"


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
    """

    url: str
    problem: str = ""
    version: str = ""
    warnings: tuple[str, ...] = ()
    exchange: bool = False
    queues: tuple[QueueReport, ...] = ()


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The ledger.

    Attributes:
        name: Its address, without a password.
        exists: Whether there is one yet; the worker makes it.
        problem: Why it could not be asked; empty where it could.
    """

    name: str
    exists: bool = True
    problem: str = ""


class KitCheck(StrEnum):
    """What came of asking Kit."""

    OK = "ok"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NO_SECRET = "no secret"  # noqa: S105  # a state, not a secret


@dataclass(frozen=True, slots=True)
class KitReport:
    """One account's Kit.

    Attributes:
        name: Of the Kit account.
        plan: Its plan, such as `creator`.
        lacking_tags: Tags that the file names and Kit lacks.
        lacking_fields: Custom fields that Kit lacks.
        will_create: Whether the worker creates what is lacking.
        detail: Why it could not be asked; empty where it could.
    """

    account: str
    state: KitCheck
    name: str = ""
    plan: str = ""
    lacking_tags: tuple[str, ...] = ()
    lacking_fields: tuple[str, ...] = ()
    will_create: bool = True
    detail: str = ""

    @property
    def lacks_something(self) -> bool:
        """Whether something is lacking that the worker may not create."""
        return bool(self.lacking_tags or self.lacking_fields) and not self.will_create


# -- the broker -------------------------------------------------------------------------------------------


async def check_broker(settings: Settings, accounts: Iterable[str]) -> BrokerReport:
    """Return how the broker stands; whatever fails is in the report."""
    url = settings.amqp_url.get_secret_value()
    try:
        async with connected(url, "check") as connection:
            version = broker_version(connection.server_properties)
            return BrokerReport(
                url=mask_url(url),
                version=version,
                warnings=version_warnings(version),
                exchange=await exchange_exists(connection, settings.events_exchange),
                queues=tuple(
                    [report for name in accounts for report in await _check_queues(connection, name)]
                ),
            )
    except BrokerUnavailable as error:
        return BrokerReport(url=mask_url(url), problem=str(error))


async def _check_queues(connection: AbstractConnection, account: str) -> list[QueueReport]:
    return [
        await _check_queue(connection, work_queue(account), work_queue_arguments(account)),
        await _check_queue(connection, dead_letter_queue(account), dead_letter_queue_arguments()),
    ]


async def _check_queue(connection: AbstractConnection, queue: str, arguments: dict[str, Any]) -> QueueReport:
    state = await queue_state(connection, queue)
    if state is None:
        return QueueReport(queue, QueueCheck.NOT_YET)
    detail = await what_differs(connection, queue, arguments)
    if detail:
        remedy = "let it run empty, delete it in RabbitMQ, and the worker declares it anew"
        return QueueReport(queue, QueueCheck.DIFFERS, state.ready, f"{detail}; {remedy}")
    return QueueReport(queue, QueueCheck.AS_WANTED, state.ready)


# -- the ledger -------------------------------------------------------------------------------------------


async def check_ledger(settings: Settings) -> LedgerReport:
    """Return how the ledger stands; whatever fails is in the report."""
    database = Database(settings.ledger_url.get_secret_value())
    try:
        return LedgerReport(database.name, exists=await database.version() > 0)
    except LedgerUnavailable as error:
        return LedgerReport(database.name, problem=str(error))


# -- Kit --------------------------------------------------------------------------------------------------


async def check_kit(settings: Settings, accounts: Iterable[Account]) -> tuple[KitReport, ...]:
    """Return how each account's Kit stands; whatever fails is in the reports."""
    database = Database(settings.ledger_url.get_secret_value())
    async with Ledger(database, worker="kit-worker check", now=time.time) as ledger:
        logins = logins_for(settings, ledger)
        reports = (_check_account(settings, account, logins) for account in accounts)
        return tuple(await asyncio.gather(*reports))


async def _check_account(settings: Settings, account: Account, logins: Logins) -> KitReport:
    if account.credential is None:
        return KitReport(
            account.name, KitCheck.NO_SECRET, detail="a secret of it is missing, so Kit was not asked"
        )
    if isinstance(account.credential, OAuthApp) and not (await check_ledger(settings)).exists:
        # To look for the tokens would make a ledger.
        return KitReport(account.name, KitCheck.REFUSED, detail=not_connected(account.name))
    client = KitClient(
        base_url=settings.kit_base_url,
        login=logins.of(account.name, account.credential),
        limiter=Limiter(settings.kit_rate_limit or account.credential.limit, clock=awake_or_not),
        timeout=settings.kit_timeout,
        clock=awake_or_not,
    )
    async with client:
        try:
            return await _ask(client, account)
        except CredentialRefused as error:
            return KitReport(account.name, KitCheck.REFUSED, detail=str(error))
        except KitWorkerError as error:
            return KitReport(account.name, KitCheck.UNREACHABLE, detail=str(error))


async def _ask(client: KitClient, account: Account) -> KitReport:
    kit = (await client.get("/v4/account")).item("account")
    tags, fields = named_tags(account), named_fields(account)
    lacking_tags, lacking_fields = await Catalog(client, account.options).missing(tags, fields)
    return KitReport(
        account=account.name,
        state=KitCheck.OK,
        name=str(kit.get("name") or "without a name"),
        plan=str(kit.get("plan_type") or "unknown"),
        lacking_tags=tuple(lacking_tags),
        lacking_fields=tuple(lacking_fields),
        will_create=account.options.create_missing,
    )


def named_tags(account: Account) -> list[TagWish]:
    """Return every tag that an account's file names, once; placeholders are known only by events."""
    templates = [
        template
        for mapping in account.events.values()
        for rule in (mapping.base, *mapping.rules)
        for template in (*rule.add_tags, *rule.remove_tags)
        if not template.placeholders
    ]
    unique = {tag_key(template.text): template.text for template in templates}
    return [TagWish(name, present=True) for name in unique.values()]


def named_fields(account: Account) -> list[str]:
    """Return every custom field that an account's values go to, once."""
    return list(dict.fromkeys(target.target for target in account.fields if target.target != FIRST_NAME))
