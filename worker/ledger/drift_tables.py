"""The tables of drift: the last comparison of each account with Kit, and whom it found otherwise there."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, String, Table, Text

from worker.ledger.schema import tables

drift_runs = Table(
    "drift_runs",
    tables,
    Column("account", String(255), primary_key=True),
    Column("state", String(16), nullable=False, comment="going, stopped, done or failed"),
    Column("who", Text, nullable=False, comment="no address"),
    Column("asked_at", Float, nullable=False, comment="when it was begun"),
    Column("seen_at", Float, nullable=False, comment="when a worker last gave a sign; 0: nobody has it"),
    Column("worker", String(255), nullable=False, comment="which one"),
    Column("after", Text, nullable=False, comment="Kit's cursor of the last page that was compared"),
    Column("last_id", BigInteger, nullable=False, comment="the greatest id that was compared"),
    Column("people", BigInteger, nullable=False, comment="compared so far"),
    Column("left_out", BigInteger, nullable=False, comment="for whom something is on its way"),
    Column("calls", BigInteger, nullable=False, comment="to Kit"),
    Column("names", Text, nullable=False, comment="JSON: tags and fields that were renamed or deleted"),
    Column("counting", Text, nullable=False, comment="JSON: what it has found so far, by class"),
    Column("problem", Text, nullable=False, comment="why it failed, for people"),
    Column("ended_at", Float, comment="when the last one was done; null: none was"),
    Column("counts", Text, nullable=False, comment="JSON: what that one found, by class"),
)

drift_found = Table(
    "drift_found",
    tables,
    Column("account", String(255), primary_key=True),
    Column("email", String(320), primary_key=True),
    Column("differences", Text, nullable=False, comment="JSON: what Kit has otherwise"),
)
