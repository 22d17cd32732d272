"""How an older ledger becomes a newer one, in steps. The same on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sqlalchemy import Connection, inspect, select, text, tuple_

from worker.ledger.address_forms import one_form_each
from worker.ledger.drift_tables import drift_found, drift_runs
from worker.ledger.letter_tables import (
    dead_letter_ends,
    dead_letter_notes,
    dead_letter_runs,
    dead_letters,
)
from worker.ledger.newest_table import newest_events
from worker.ledger.plan_tables import plan_runs, planned_people, plans
from worker.ledger.records_anew import records_by_msgspec
from worker.ledger.schema import (
    bindings,
    claims,
    counts,
    due,
    history,
    journal,
    kit_accounts,
    meta,
    names,
    people,
    subscribers,
    tables,
    tokens,
    versions,
)
from worker.ledger.tagging_tables import held_taggings, taggings

Step = Callable[[Connection], None]


class NewerLedgerError(Exception):
    """The ledger was made by a newer version of this program."""


class DamagedLedgerError(Exception):
    """The ledger holds what no version of this program wrote."""


def _who_has_what(connection: Connection) -> None:
    claims.create(connection, checkfirst=True)


def _with_bindings(connection: Connection) -> None:
    bindings.create(connection, checkfirst=True)


def _what_names_mean(connection: Connection) -> None:
    names.create(connection, checkfirst=True)


def _one_account_each(connection: Connection) -> None:
    """Let a Kit account be one account's; of several that have it by now, the first keeps it."""
    older = tokens.alias()
    is_older = tuple_(older.c.connected_at, older.c.account) < tuple_(tokens.c.connected_at, tokens.c.account)
    same = (older.c.kit_account == tokens.c.kit_account) & (older.c.kit_url == tokens.c.kit_url)
    connection.execute(tokens.delete().where(select(older).where(same & is_older).exists()))
    for index in tokens.indexes:
        index.create(connection, checkfirst=True)


def _home_apps(connection: Connection) -> None:
    _add_column(connection, "accounts", "home_app", "VARCHAR(255)")
    for index in people.indexes:
        index.create(connection, checkfirst=True)


def _with_facts(connection: Connection) -> None:
    _add_column(connection, "subscribers", "facts", "TEXT")


def _add_column(connection: Connection, table: str, column: str, kind: str) -> None:
    """Add a column that may be there already: steps before this one make tables as they are now."""
    if column not in {each["name"] for each in inspect(connection).get_columns(table)}:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} {kind}"))


def _what_is_due(connection: Connection) -> None:
    due.create(connection, checkfirst=True)


def _when_types_came(connection: Connection) -> None:
    (by_type,) = (index for index in history.indexes if index.name == "history_by_type")
    by_type.create(connection, checkfirst=True)


def _what_people_did(connection: Connection) -> None:
    journal.create(connection, checkfirst=True)
    versions.create(connection, checkfirst=True)


def _why_paused(connection: Connection) -> None:
    _add_column(connection, "accounts", "paused_until", "FLOAT")
    _add_column(connection, "accounts", "paused_why", "TEXT")


def _what_kit_calls_accounts(connection: Connection) -> None:
    kit_accounts.create(connection, checkfirst=True)


def _with_counts(connection: Connection) -> None:
    counts.create(connection, checkfirst=True)


def _which_letters_are_dead(connection: Connection) -> None:
    for table in (dead_letters, dead_letter_runs, dead_letter_notes):
        table.create(connection, checkfirst=True)


def _what_became_of_replays(connection: Connection) -> None:
    dead_letter_ends.create(connection, checkfirst=True)


def _what_claims_open(connection: Connection) -> None:
    _add_column(connection, "claims", "kit_account", "BIGINT")
    _add_column(connection, "claims", "kit_url", "TEXT")
    for index in claims.indexes:
        index.create(connection, checkfirst=True)


def _with_newest_events(connection: Connection) -> None:
    newest_events.create(connection, checkfirst=True)


def _which_taggings_are_held(connection: Connection) -> None:
    for table in (taggings, held_taggings):
        table.create(connection, checkfirst=True)


def _with_plans(connection: Connection) -> None:
    for table in (plans, planned_people, plan_runs):
        table.create(connection, checkfirst=True)


def _what_kit_has_otherwise(connection: Connection) -> None:
    for table in (drift_runs, drift_found):
        table.create(connection, checkfirst=True)
    (by_kit_id,) = (index for index in subscribers.indexes if index.name == "subscribers_by_kit_id")
    by_kit_id.create(connection, checkfirst=True)


MIGRATIONS: Final[tuple[Step, ...]] = (
    records_by_msgspec,
    _who_has_what,
    _with_bindings,
    _what_names_mean,
    _one_account_each,
    one_form_each,
    _home_apps,
    _with_facts,
    _what_is_due,
    _when_types_came,
    _what_people_did,
    _why_paused,
    _what_kit_calls_accounts,
    _with_counts,
    _which_letters_are_dead,
    _what_became_of_replays,
    _what_claims_open,
    _with_newest_events,
    _which_taggings_are_held,
    _with_plans,
    _what_kit_has_otherwise,
)
"""The first makes version 2 out of version 1, and so on. Released ones never change; new ones are added."""


def newest(migrations: Sequence[Step]) -> int:
    """Return the version that the last step makes; a new ledger has it from the start."""
    return 1 + len(migrations)


def migrate(connection: Connection, migrations: Sequence[Step] = MIGRATIONS) -> int:
    """Bring the ledger to the newest version, inside the caller's transaction; return the version it had.

    Raises:
        NewerLedgerError: It is newer than this program.
    """
    lock(connection)
    version = ledger_version(connection, migrations)
    if version == newest(migrations):
        return version
    if version == 0:
        tables.create_all(connection)
    for step in migrations[version - 1 :] if version else ():
        step(connection)
    connection.execute(meta.delete().where(meta.c.key == "version"))
    connection.execute(meta.insert().values(key="version", value=str(newest(migrations))))
    return version


def lock(connection: Connection) -> None:
    """Let nobody else make or migrate tables in this transaction: workers may start at once."""
    if connection.dialect.name == "postgresql":  # SQLite's write lock does the same
        connection.execute(text("SELECT pg_advisory_xact_lock(7264301)"))


def ledger_version(connection: Connection, migrations: Sequence[Step] = MIGRATIONS) -> int:
    """Return the version of a ledger; 0 where there is none.

    Raises:
        NewerLedgerError: It is newer than this program.
        DamagedLedgerError: It has none.
    """
    if not inspect(connection).has_table("meta"):
        return 0
    value = connection.execute(select(meta.c.value).where(meta.c.key == "version")).scalar() or "0"
    if not value.isdecimal():
        raise DamagedLedgerError(f"its version is {value!r}")
    version = int(value)
    if version > newest(migrations):
        raise NewerLedgerError(f"version {version}; this program knows {newest(migrations)}")
    return version
