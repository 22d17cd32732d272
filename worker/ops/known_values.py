"""Which values an event of a person would have, as far as the ledger knows the person. Pure."""

from __future__ import annotations

from typing import Final

from worker.accounts.account import Account
from worker.mapping import FIRST_NAME
from worker.subscribers.identity import shown_person
from worker.subscribers.record import Record

SIGNS: Final = frozenset({"mk_user_id", "user.id", "user.email", "data.user.id", "data.user.email"})
"""Values that say who it is."""


def known_values(record: Record, account: Account) -> dict[str, str]:
    """Return the values from which what somebody has came, as far as the file still sends them there."""
    known = {name: part.value for name, part in record.done.fields.items() if part.value is not None}
    if record.first_name is not None:
        known[FIRST_NAME] = record.first_name.part.value
    values = {each.source: known[each.target] for each in account.fields if each.target in known}
    if record.facts and record.facts[-1].subscription:
        values["mk_subscription_id"] = record.facts[-1].subscription
    return {name: value for name, value in values.items() if name not in SIGNS}


def known_user(record: Record) -> str:
    """Return a platform's id of a person; empty where none is known."""
    return next((user for user in record.users if shown_person(user) == user), "")
