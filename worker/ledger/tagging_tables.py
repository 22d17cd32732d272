"""The tables of new taggings: how many there were lately, and which are held."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from worker.ledger.schema import tables

NUMBER: Final = BigInteger().with_variant(Integer, "sqlite")

taggings = Table(
    "taggings",
    tables,
    Column("account", String(255), primary_key=True),
    Column("at", BigInteger, primary_key=True, comment="when the minute began"),
    Column("count", Integer, nullable=False, comment="called or held, those included that may have landed"),
    Column("ahead", Integer, nullable=False, default=0, comment="of these, how many are not called yet"),
)

held_taggings = Table(
    "held_taggings",
    tables,
    Column("number", NUMBER, primary_key=True, autoincrement=True, comment="grows in the order of holding"),
    Column("account", String(255), nullable=False),
    Column("email", String(320), nullable=False),
    Column("tag_key", Text, nullable=False, comment="without case"),
    Column("tag", Text, nullable=False),
    Column("event_type", Text, nullable=False, comment="of the event that asks for it; empty: not known"),
    Column("event_time", String(40), nullable=False),
    Column("since", Float, nullable=False),
    Column("timer", String(64), nullable=False, default="", comment="which lets it through; empty: none"),
    Index("held_taggings_by_person", "account", "email", "tag_key", unique=True),
    Index("held_taggings_by_number", "account", "number"),
    sqlite_autoincrement=True,  # else a number comes again, and a plan means another one
)
