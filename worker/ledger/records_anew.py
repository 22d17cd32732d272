"""Brings the records of a ledger of the first version into the form in which `record_json` writes them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, bindparam, select, text, tuple_, update

from worker.ledger.record_json import UnreadableError, dump_record
from worker.ledger.record_v1 import load_record_v1
from worker.ledger.schema import subscribers

PORTION: Final = 1000
"""Rows that are rewritten at once."""


def records_by_msgspec(connection: Connection) -> None:
    """Write all records anew, as `record_json` does, and drop what was spent of Kit's budget.

    A record that cannot be read stays as it is: whoever asks for it is told so, as before.
    """
    account, email, state = subscribers.c.account, subscribers.c.email, subscribers.c.state
    rewritten = (
        update(subscribers)
        .where(account == bindparam("of"), email == bindparam("who"))
        .values(state=bindparam("new"))
    )
    query = select(account, email, state).order_by(account, email).limit(PORTION)
    rows = connection.execute(query).all()
    while rows:
        changes = []
        for row in rows:
            with suppress(UnreadableError):
                record = load_record_v1(row.state)
                changes.append({"of": row.account, "who": row.email, "new": dump_record(record).state})
        if changes:
            connection.execute(rewritten, changes)
        last = rows[-1]
        rows = connection.execute(query.where(tuple_(account, email) > (last.account, last.email))).all()
    connection.execute(text("ALTER TABLE accounts DROP COLUMN spent"))
