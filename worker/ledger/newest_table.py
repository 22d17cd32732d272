"""The table of the newest events."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, String, Table

from worker.ledger.schema import tables

newest_events = Table(
    "newest_events",
    tables,
    Column("account", String(255), primary_key=True),
    Column("email", String(320), primary_key=True, comment="of the person, as the record has it"),
    Column("user_id", String(255), primary_key=True, comment="the platform's; empty: the event has none"),
    Column("event_type", String(255), primary_key=True),
    Column("subscription", String(255), primary_key=True, comment="the platform's id; empty: none"),
    Column("place", LargeBinary, nullable=False, comment="among the events of the person: greater is newer"),
    Column("message", LargeBinary, nullable=False, comment="the event; empty: it is not kept"),
)
