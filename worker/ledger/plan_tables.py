"""The tables of `apply`'s plans: what is planned, for whom, and what is done of it."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, text

from worker.ledger.schema import tables

NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

plans = Table(
    "plans",
    tables,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("account", String(255), nullable=False),
    Column("version", String(64), nullable=False, comment="of the account's file for which it is"),
    Column("hash", String(64), nullable=False, comment="empty: nobody would have anything otherwise"),
    Column("who", Text, nullable=False, comment="who made it; no address"),
    Column("made_at", Float, nullable=False),
    Column("people", Integer, nullable=False),
    Column("taggings", Integer, nullable=False, comment="new ones, which may start automations"),
    Column("told", Text, nullable=False, comment="JSON, without examples; empty: it is not made yet"),
    Index("plans_by_account", "account", "id"),
    sqlite_autoincrement=True,  # else an id comes again, and a form means another plan
)

planned_people = Table(
    "planned_people",
    tables,
    Column("plan", NUMBER, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="as its events' ids end"),
    Column("account", String(255), nullable=False),
    Column("email", String(320), nullable=False),
    Column("what", Text, nullable=False, comment="JSON: tags gained and lost, fields, timers"),
    Index("planned_people_by_email", "account", "email"),
)

plan_runs = Table(
    "plan_runs",
    tables,
    Column("plan", NUMBER, primary_key=True, autoincrement=False),
    Column("action", String(16), primary_key=True, comment="apply, or undo"),
    Column("account", String(255), nullable=False),
    Column("who", Text, nullable=False, comment="no address"),
    Column("begun_at", Float, nullable=False),
    Column("times", Integer, nullable=False, comment="how often it was begun"),
    Column("round", Integer, nullable=False, comment="of the plans of that hash: each undo ends one"),
    Column("seen", Integer, nullable=False, comment="the number of the last person whose timer is set"),
    Column("people", Integer, nullable=False, comment="how many timers that is"),
    Column("stopped_at", Float, comment="null: nobody has stopped it"),
    Column("ended_at", Float, comment="null: it is under way"),
    Column("ends", Text, nullable=False, comment="JSON: how many people's events ended how"),
    Index(
        "plan_runs_under_way",
        "plan",
        sqlite_where=text("ended_at IS NULL"),
        postgresql_where=text("ended_at IS NULL"),
    ),
)
