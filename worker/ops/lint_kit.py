"""What lint asks of Kit: whose it is, its tags and custom fields, and how many people have each tag.

A few calls, which only read: the account, and the pages of both lists.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from worker.accounts.account import Account
from worker.accounts.lint.at_kit import AtKit, FieldAtKit, TagAtKit
from worker.clock import Clock
from worker.errors import CredentialRefused, KitRejected
from worker.kit.access import KitAccess
from worker.kit.account import kit_account
from worker.kit.answers import Row
from worker.kit.catalog import TAGS
from worker.kit.client import KitClient
from worker.kit.custom_fields import KIND
from worker.kit.lists import read_list
from worker.ledger.connecting import TakenError, taken
from worker.ledger.database import Database
from worker.ledger.names import created_tags, names_of
from worker.ops.check_broker import check_ledger
from worker.ops.check_kit import WITHOUT_LEDGER, check_owner
from worker.settings import Settings

COUNT: Final = "subscriber_count"
"""What each tag is to have besides (Kit API reference, `GET /v4/tags`)."""


async def look_at_kit(settings: Settings, account: Account, kit: KitAccess, clock: Clock) -> AtKit:
    """Return what an account's Kit has, and what the ledger knows of its names; no ledger is made.

    Args:
        settings: Where the ledger is.
        account: Which.
        kit: The way to Kit.
        clock: Hears what time it is by the ledger's.

    Raises:
        CredentialRefused: There is no credential, Kit refuses it, or it opens another account's Kit.
        LedgerUnavailable: The ledger cannot be read.
        KitWorkerError: As `KitClient.call` raises it.
    """
    if account.credential is None:
        raise CredentialRefused("a secret of it is missing, so Kit was not asked")
    why = WITHOUT_LEDGER.get(type(account.credential))
    if why is not None and not (await check_ledger(settings, clock)).exists:
        raise CredentialRefused(why(account.name))
    async with kit.client(account.name, account.credential) as client:
        try:
            await check_owner(settings, account, (await kit_account(client)).id)
        except TakenError as error:
            raise CredentialRefused(taken(str(error))) from None
        found = await read_kit(client)
    database = Database(settings.ledger_url.get_secret_value())
    try:
        return await with_names(database, account.name, found)
    finally:
        await database.close()


async def read_kit(client: KitClient) -> AtKit:
    """Return what a Kit account has.

    Raises:
        KitWorkerError: As `KitClient.call` raises it.
    """
    tags, fields = await _tags(client), await read_list(client, KIND)
    return AtKit(
        tuple(TagAtKit(row["id"], row["name"], _count(row)) for row in tags),
        tuple(FieldAtKit(row["id"], row["key"], row["label"]) for row in fields),
    )


async def with_names(database: Database, account: str, found: AtKit) -> AtKit:
    """Return the same, with what the ledger knows of the account's names and of the tags that it made.

    Raises:
        LedgerUnavailable: It cannot be read.
    """
    created = await created_tags(database, account)
    return replace(found, meant=await names_of(database, account), created_tags=created)


async def _tags(client: KitClient) -> list[Row]:
    """Return all tags; of an older Kit, which refuses to count, without how many people have each."""
    try:
        return await read_list(client, TAGS, COUNT)
    except KitRejected:
        return await read_list(client, TAGS)


def _count(row: Row) -> int | None:
    count = row.get(COUNT)
    return count if isinstance(count, int) else None
