"""Brings the addresses of an older ledger into the form in which `normalize_email` writes them now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, LargeBinary, cast, delete, func, insert, select, update

from worker.events.event import FIRST
from worker.ledger.record_json import UnreadableError, dump_record, load_record
from worker.ledger.schema import history, people, subscribers
from worker.subscribers.identity import normalize_email
from worker.subscribers.parts import Part
from worker.subscribers.record import Record
from worker.subscribers.record_parts import Moved
from worker.subscribers.subscriber import merged


@dataclass(frozen=True, slots=True)
class _Row:
    """A subscriber's row."""

    record: Record
    kit_account: int
    updated_at: float


def one_form_each(connection: Connection) -> None:
    """Give all addresses their present form; what two forms of one address had becomes one record.

    A row that cannot be read stays as it is: whoever asks for it is told so, as before.
    """
    for account, email in _in_old_form(connection, subscribers.c.email):
        _rename(connection, account, email)
    for account, email in _in_old_form(connection, subscribers.c.moved_to):
        _lead_to_present_form(connection, account, email)
    for column in (people.c.email, history.c.email):
        for account, email in _in_old_form(connection, column):
            of = (column.table.c.account == account) & (column == email)
            connection.execute(update(column.table).where(of).values(email=present_form(email)))


def present_form(email: str) -> str:
    """Return an address in its present form; what is none any more stays as it is."""
    try:
        return normalize_email(email)
    except ValueError:
        return email


def _in_old_form(connection: Connection, column: Column[Any]) -> list[tuple[str, str]]:
    """Return accounts and addresses that were written otherwise; all of these have letters beyond ASCII."""
    is_sqlite = connection.dialect.name == "sqlite"
    bytes_ = func.length(cast(column, LargeBinary)) if is_sqlite else func.octet_length(column)
    beyond_ascii = bytes_ != func.length(column)
    rows = connection.execute(select(column.table.c.account, column).where(beyond_ascii).distinct())
    return [(account, email) for account, email in rows.all() if present_form(email) != email]


def _rename(connection: Connection, account: str, email: str) -> None:
    """Move a record to the present form of its address, and into what is known there."""
    present = present_form(email)
    try:
        found, there = _read(connection, account, email), _read(connection, account, present)
    except UnreadableError:
        return
    if found is None:
        return
    one = found if there is None else _one_of(found, there, present)
    if one.record.moved is not None and present_form(one.record.moved.to) == present:
        one.record.moved = None  # from one form to another
    connection.execute(delete(subscribers).where(_is(account, (email, present))))
    connection.execute(insert(subscribers).values(account=account, **_values(one, present)))


def _lead_to_present_form(connection: Connection, account: str, gone_to: str) -> None:
    """Let the notes of those who moved to an address name its present form."""
    of = (subscribers.c.account == account) & (subscribers.c.moved_to == gone_to)
    for (email,) in connection.execute(select(subscribers.c.email).where(of)).all():
        try:
            row = _read(connection, account, email)
        except UnreadableError:
            continue
        if row is not None and row.record.moved is not None:
            row.record.moved = row.record.moved._replace(to=present_form(gone_to))
            changed = update(subscribers).where(_is(account, (email,)))
            connection.execute(changed.values(**_values(row, email)))


def _one_of(one: _Row, other: _Row, email: str) -> _Row:
    """Return what two forms of one address had, as one.

    Where Kit has a subscriber for each, the next event asks it by the address which of them is meant.
    """
    newer, older = sorted((one, other), key=lambda row: row.updated_at, reverse=True)
    if newer.kit_account != older.kit_account:
        older.record.lost()
    kit_ids = {row.record.kit_id for row in (newer, older)} - {None}
    kit_id = kit_ids.pop() if len(kit_ids) == 1 else None
    record = merged(older.record, newer.record, Part(email, FIRST), kit_id)
    record.moved = max(
        (row.record.moved for row in (newer, older) if row.record.moved is not None),
        key=lambda moved: moved.order,
        default=None,
    )
    return _Row(record, newer.kit_account, newer.updated_at)


def _is(account: str, emails: tuple[str, ...]) -> Any:  # noqa: ANN401  # a condition
    return (subscribers.c.account == account) & subscribers.c.email.in_(emails)


def _read(connection: Connection, account: str, email: str) -> _Row | None:
    # One by one: the table may lack the columns of later versions.
    kept = subscribers.c.kit_id, subscribers.c.state, subscribers.c.kit_account, subscribers.c.updated_at
    row = connection.execute(select(*kept).where(_is(account, (email,)))).one_or_none()
    if row is None:
        return None
    return _Row(load_record(email, row.kit_id, row.state), row.kit_account, row.updated_at)


def _values(row: _Row, email: str) -> dict[str, Any]:
    moved: Moved | None = row.record.moved
    return {
        "email": email,
        "kit_id": row.record.kit_id,
        "kit_account": row.kit_account,
        "state": dump_record(row.record).state,
        "moved_to": moved and moved.to,
        "updated_at": row.updated_at,
    }
