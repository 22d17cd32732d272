"""One person in one account: what the ledger knows beside what Kit has, what is due, and what came.

Kit is asked by a few calls, which only read: see `kit.person`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from worker.accounts.account import Account
from worker.errors import KitWorkerError
from worker.kit.access import KitAccess
from worker.kit.person import KitPerson, ask_for_fields, ask_for_person
from worker.ledger.due import Timer, find_due
from worker.ledger.history import Page, history_page
from worker.ledger.person import Cause, KnownPerson, causes, known_person
from worker.ledger.store import Ledger
from worker.ops.compared import FieldState, TagState, field_rows, tag_rows, times_of

ENOUGH: Final = "it was asked often enough within the hour, and its budget is the workers'; look again later"
MOST_DUE: Final = 50
"""So many of what is due are told, those that come first."""


@dataclass(frozen=True, slots=True)
class AskedKit:
    """What Kit says of a person.

    Attributes:
        person: None where Kit has nobody, or was not asked.
        problem: Why nobody knows what Kit has; empty where it answered.
        fields: The ids of the account's custom fields by key and label; None where they were not read.
    """

    person: KitPerson | None = None
    problem: str = ""
    fields: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class PersonView:
    """One person in one account.

    Attributes:
        known: What the ledger knows.
        kit: What Kit says.
        tags: Each tag of the person, by either of them.
        fields: Each custom field, likewise.
        due: What takes effect later, what comes first in front; at most `MOST_DUE`.
    """

    known: KnownPerson
    kit: AskedKit
    tags: tuple[TagState, ...]
    fields: tuple[FieldState, ...]
    due: tuple[Timer, ...]


async def person_view(ledger: Ledger, account: Account, kit: KitAccess | None, email: str) -> PersonView:
    """Return what is known of a person; where Kit cannot be asked, all the rest.

    Args:
        ledger: The workers' ledger.
        account: In which.
        kit: The way to Kit; None where it is not to be asked now.
        email: An address, as `normalize_email` writes it, that the person has or had.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    known = await known_person(ledger.database, account.name, email)
    record = known.record
    found: dict[str, Cause] = {}
    if record is not None:
        found |= await causes(ledger.database, account.name, known.addresses, times_of(record))
    due = await find_due(ledger.database, emails=known.addresses, account=account.name, limit=MOST_DUE)
    asked = await ask_kit(account, kit, known, email)
    return PersonView(
        known,
        asked,
        tag_rows(record, found, asked.person),
        field_rows(record, found, asked.person),
        tuple(due),
    )


async def ask_kit(account: Account, kit: KitAccess | None, known: KnownPerson, email: str) -> AskedKit:
    """Return what Kit says of a person; whatever fails is in it."""
    if kit is None:
        return AskedKit(problem=ENOUGH)
    if account.credential is None:
        return AskedKit(problem="a secret of the account is missing, so Kit was not asked")
    record = known.record
    address, kit_id = (email, None) if record is None else (record.email, record.kit_id)
    async with kit.client(account.name, account.credential) as client:
        try:
            person = await ask_for_person(client, address, kit_id)
            if person is None and kit_id is not None:
                return AskedKit(fields=await ask_for_fields(client))
            return AskedKit(person, fields=None if person is None else person.names)
        except KitWorkerError as error:
            return AskedKit(problem=str(error))


async def timeline(
    ledger: Ledger, known: KnownPerson, account: str, *, before: int | None = None, limit: int = 50
) -> Page:
    """Return a page of what became of a person's events in an account, the newest first.

    Args:
        ledger: The workers' ledger.
        known: The person.
        account: Its name.
        before: Of the page that was shown last, what it says; None for the newest.
        limit: So many lines at most.

    Raises:
        LedgerUnavailable: The ledger could not be read.
    """
    return await history_page(
        ledger.database, account=account, emails=known.addresses, before=before, limit=limit
    )
