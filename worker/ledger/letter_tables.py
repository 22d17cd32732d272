"""The tables of dead letters: what each says without its body, what is done to them, and notes."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, text

from worker.ledger.schema import tables

NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

dead_letters = Table(
    "dead_letters",
    tables,
    Column("number", NUMBER, primary_key=True, autoincrement=True, comment="grows in the queue's order"),
    Column("account", String(255), nullable=False),
    Column("letter_id", String(255), nullable=False, comment="the letter's own, not its event's"),
    Column("place", String(16), nullable=False, comment="in which queue it is: dead, or archive"),
    Column("reason", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("event_id", String(255), nullable=False, comment="empty: it has none"),
    Column("event_time", String(40), nullable=False),
    Column("failed_at", String(40), nullable=False, comment="empty: RabbitMQ did not note it"),
    Column("attempts", Integer, nullable=False),
    Column("email", String(320), nullable=False, comment="of the person; empty: none can be read"),
    Column("user_id", String(255), comment="the platform's id of the person, without its app"),
    Column("noted_at", Float, nullable=False, comment="when it was last known to be in its queue"),
    Column("run", NUMBER, comment="which run is about it; null: none"),
    Column("note", Text, nullable=False, default="", comment="for a colleague; no address"),
    Column("noted_by", Text, nullable=False, default=""),
    Index("dead_letters_by_id", "account", "letter_id", unique=True),
    Index("dead_letters_by_reason", "account", "place", "reason", "number"),
    Index("dead_letters_by_email", "account", "email"),
    # Few are being worked on: only those are in it.
    Index(
        "dead_letters_by_run",
        "run",
        "number",
        sqlite_where=text("run IS NOT NULL"),
        postgresql_where=text("run IS NOT NULL"),
    ),
    sqlite_autoincrement=True,  # else a number comes again, and an address leads to another letter
)

dead_letter_runs = Table(
    "dead_letter_runs",
    tables,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("account", String(255), nullable=False),
    Column("action", String(32), nullable=False, comment="replay, try, discard, archive or restore"),
    Column("place", String(16), nullable=False, comment="in which queue the letters are when it begins"),
    Column("reason", String(64), nullable=False, comment="of the group; empty: it is about one letter"),
    Column("letter", NUMBER, nullable=False, comment="the number of the only letter; 0: there are several"),
    Column("event_id", String(255), nullable=False, comment="of the only letter's event"),
    Column("who", Text, nullable=False, comment="no address"),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False, comment="when whoever does it last gave a sign"),
    Column("ended_at", Float, comment="null: it is under way"),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, comment="how many letters it is done with"),
    Column("gone", Integer, nullable=False, comment="how many of those were no longer in their queue"),
    Column("mood", String(8), nullable=False),
    Column("result", Text, nullable=False, comment="how it ended; no address"),
    Column("remedy", Text, nullable=False),
    Index("dead_letter_runs_by_account", "account", "id"),
    Index(
        "dead_letter_runs_under_way",
        "id",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)

dead_letter_ends = Table(
    "dead_letter_ends",
    tables,
    Column("account", String(255), primary_key=True),
    Column("run", NUMBER, primary_key=True, autoincrement=False, comment="which put the events back"),
    Column("outcome", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False, comment="events that ended so since"),
)

dead_letter_notes = Table(
    "dead_letter_notes",
    tables,
    Column("account", String(255), primary_key=True),
    Column("reason", String(64), primary_key=True, comment="of the group that the note is about"),
    Column("note", Text, nullable=False, comment="no address"),
    Column("noted_by", Text, nullable=False),
    Column("noted_at", Float, nullable=False),
)
