"""The connection test's part about Kit: who is behind each account's credential, and what is lacking there.

It only reads: nothing is created in Kit, and no ledger is made to look for tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from worker.accounts.account import Account
from worker.accounts.claims import opened_by
from worker.clock import Clock
from worker.errors import CredentialRefused, KitWorkerError, LedgerUnavailable, RateLimited
from worker.kit.access import KitAccess
from worker.kit.account import KitAccount, kit_account
from worker.kit.auth.refresh import not_connected
from worker.kit.auth.stored_key import not_entered
from worker.kit.catalog import Catalog
from worker.kit.client import KitClient
from worker.kit.credentials import Credential, OAuthApp, StoredKey
from worker.ledger.connecting import TakenError, check_kit_account, taken
from worker.ledger.database import Database
from worker.ledger.names import names_of
from worker.ledger.store import Ledger
from worker.mapping import FIRST_NAME, Rule
from worker.ops.check_broker import check_ledger
from worker.settings import Settings
from worker.subscribers.known import KitName
from worker.subscribers.parts import TagWish, tag_key

WITHOUT_LEDGER: Final[Mapping[type[Credential], Callable[[str], str]]] = {
    OAuthApp: not_connected,
    StoredKey: not_entered,
}
"""What is so of accounts whose secret is in the ledger, where there is none."""


LIMIT_REACHED: Final = (
    "Kit is there, and its limit of calls is reached just now (429), so not all could be looked at: check "
    "again in a minute"
)


class KitCheck(StrEnum):
    """What came of asking Kit."""

    OK = "ok"
    REFUSED = "refused"
    LIMITED = "limited"
    """It answers, and takes no more calls just now."""
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
        renamed: What is called otherwise in Kit than the file says, in sentences.
        will_create: Whether the worker creates what is lacking.
        detail: Why it could not be asked; empty where it could.
    """

    account: str
    state: KitCheck
    name: str = ""
    plan: str = ""
    lacking_tags: tuple[str, ...] = ()
    lacking_fields: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    will_create: bool = True
    detail: str = ""

    @property
    def lacks_something(self) -> bool:
        """Whether something is lacking that the worker may not create."""
        return bool(self.lacking_tags or self.lacking_fields) and not self.will_create


async def check_kit(settings: Settings, accounts: Iterable[Account], clock: Clock) -> tuple[KitReport, ...]:
    """Return how each account's Kit stands; whatever fails is in the reports.

    Args:
        settings: Where Kit and the ledger are.
        accounts: Those to ask for.
        clock: Hears what time it is by Kit's.
    """
    database = Database(settings.ledger_url.get_secret_value())
    async with Ledger(database, worker="kit-worker check", clock=clock) as ledger:
        kit = KitAccess(settings, ledger)
        reports = (check_account(settings, account, kit, clock) for account in accounts)
        return tuple(await asyncio.gather(*reports))


async def check_account(settings: Settings, account: Account, kit: KitAccess, clock: Clock) -> KitReport:
    """Return how one account's Kit stands; whatever fails is in the report.

    Args:
        settings: Where the ledger is.
        account: Which.
        kit: The way to Kit; who asks often has one, so that its calls are limited together.
        clock: Hears what time it is by the ledger's.
    """
    if account.credential is None:
        return KitReport(
            account.name, KitCheck.NO_SECRET, detail="a secret of it is missing, so Kit was not asked"
        )
    why = WITHOUT_LEDGER.get(type(account.credential))
    if why is not None and not (await check_ledger(settings, clock)).exists:
        # To look for tokens, or a key, would make a ledger.
        return KitReport(account.name, KitCheck.REFUSED, detail=why(account.name))
    names = await _names(settings, account)
    async with kit.client(account.name, account.credential) as client:
        try:
            at_kit = await kit_account(client)
            await check_owner(settings, account, at_kit.id)
            return await _ask(client, account, at_kit, names)
        except TakenError as error:
            return KitReport(account.name, KitCheck.REFUSED, detail=taken(str(error)))
        except KitWorkerError as error:
            return _failed(account.name, error)


def _failed(account: str, error: KitWorkerError) -> KitReport:
    if isinstance(error, CredentialRefused):
        return KitReport(account, KitCheck.REFUSED, detail=str(error))
    if isinstance(error, RateLimited):
        return KitReport(account, KitCheck.LIMITED, detail=LIMIT_REACHED)
    return KitReport(account, KitCheck.UNREACHABLE, detail=str(error))


async def _names(settings: Settings, account: Account) -> tuple[KitName, ...]:
    """Return what the account's names meant so far; where the ledger is out of reach, its own row says so."""
    database = Database(settings.ledger_url.get_secret_value())
    try:
        return await names_of(database, account.name)
    except LedgerUnavailable:
        return ()
    finally:
        await database.close()


async def check_owner(settings: Settings, account: Account, at_kit: int) -> None:
    """Raise `TakenError` where a Kit account is another account's; a ledger out of reach says so itself."""
    database = Database(settings.ledger_url.get_secret_value())
    try:
        await check_kit_account(database, opened_by(account, at_kit, settings.kit_base_url.rstrip("/")))
    except LedgerUnavailable:
        return
    finally:
        await database.close()


async def _ask(client: KitClient, account: Account, kit: KitAccount, names: Iterable[KitName]) -> KitReport:
    tags, fields = named_tags(account), named_fields(account)
    catalog = Catalog(client, account.options)
    catalog.lists.recall(names)
    lacking_tags, lacking_fields = await catalog.missing([wish for wish in tags if wish.present], fields)
    wanted = {tag_key(wish.name) for wish in tags} | set(fields)
    shifts = [shift for kind in catalog.lists.shifts.values() for shift in kind if shift.was.name in wanted]
    return KitReport(
        account=account.name,
        state=KitCheck.OK,
        name=kit.name,
        plan=kit.plan,
        lacking_tags=tuple(lacking_tags),
        lacking_fields=tuple(lacking_fields),
        renamed=tuple(map(str, shifts)),
        will_create=account.options.create_missing,
    )


def named_tags(account: Account) -> list[TagWish]:
    """Return every tag that an account's file names, once, and whether it is ever put on.

    Placeholders are known only by events.
    """
    rules = list(_rules(account))
    named = [(template, False) for rule in rules for template in rule.remove_tags]
    named += [(template, True) for rule in rules for template in rule.add_tags]
    unique = {
        tag_key(template.text): TagWish(template.text, present)
        for template, present in named
        if not template.has_placeholders
    }
    return list(unique.values())


def named_fields(account: Account) -> list[str]:
    """Return every custom field that something is written to, once."""
    sets = [name for rule in _rules(account) for name, value in rule.set_fields.items() if value is not None]
    names = dict.fromkeys((*(target.target for target in account.fields), *sets))
    return [name for name in names if name != FIRST_NAME]


def _rules(account: Account) -> Iterator[Rule]:
    for mapping in account.events.values():
        yield from (mapping.base, *mapping.rules)
