"""The ledger's tables, the same on SQLite and PostgreSQL."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

tables = MetaData()

meta = Table(
    "meta",
    tables,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

accounts = Table(
    "accounts",
    tables,
    Column("account", String(255), primary_key=True),
    Column("epoch", BigInteger, nullable=False, default=0, comment="when it was last taken over, or later"),
    Column("holder", String(255), nullable=False, default="", comment="the worker that took it last"),
    Column("batch", BigInteger, nullable=False, default=0, comment="which one the holder wrote last"),
    Column(
        "written_at", Float, nullable=False, default=0.0, comment="when it was last taken, or written for"
    ),
    Column("released_at", Float, comment="when the last holder left nothing in doubt; null: it has not"),
    Column("known_since", Float, nullable=False, default=0.0, comment="no older answer is relied on"),
    Column("paused_at", Float, comment="null: not paused"),
    Column("paused_until", Float, comment="when it goes on by itself; null: when somebody says so"),
    Column("paused_why", Text, comment="for people; no address"),
    Column("created_tags", Integer, nullable=False, default=0, comment="by placeholders"),
    Column("home_app", String(255), comment="whose ids stand alone in people; null: it was never taken"),
)

subscribers = Table(
    "subscribers",
    tables,
    Column("account", String(255), primary_key=True),
    Column("email", String(320), primary_key=True),
    Column("kit_id", BigInteger),
    Column("kit_account", BigInteger, nullable=False, default=0, comment="Kit's id of the account it is in"),
    Column("state", Text, nullable=False, comment="JSON: what was done, by which events"),
    Column("moved_to", String(320), comment="where whoever had this address has gone, as the state says"),
    Column("updated_at", Float, nullable=False),
    Column("facts", Text, comment="JSON: openings and closings of subscriptions, and what goes with them"),
    # Few have moved: only those are in it.
    Index(
        "subscribers_by_move",
        "account",
        "moved_to",
        sqlite_where=text("moved_to IS NOT NULL"),
        postgresql_where=text("moved_to IS NOT NULL"),
    ),
    Index("subscribers_by_kit_id", "account", "kit_id"),  # in the order in which Kit lists them
)

people = Table(
    "people",
    tables,
    Column("account", String(255), primary_key=True),
    Column("user_id", String(255), primary_key=True),
    Column("email", String(320), nullable=False),
    Column("moved_at", Float, comment="when the address was last changed in Kit"),
    Index("people_by_email", "account", "email"),
    Index("people_by_move", "account", "moved_at"),
)

history = Table(
    "history",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("account", String(255), nullable=False),
    Column("email", Text, nullable=False),
    Column("event_id", String(255)),
    Column("event_type", Text, nullable=False),
    Column("event_time", String(40), nullable=False),
    Column("at", Float, nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("detail", Text, nullable=False),
    Column("calls", Text, nullable=False, comment="JSON: what was called in Kit, for which rule"),
    Column("version", String(64), nullable=False, comment="of the account's file"),
    Column("worker", String(255), nullable=False),
    Index("history_by_email", "email", "account"),  # people ask for an address alone
    Index("history_by_account", "account", "id"),
    Index("history_by_event", "event_id"),
    Index("history_by_type", "account", "event_type", "at", "outcome"),  # what is counted is all in it
    Index("history_by_time", "at"),
)

counts = Table(
    "counts",
    tables,
    # In this order a day lies together, of one account and of all of them.
    Column("at", BigInteger, primary_key=True, comment="when the quarter of an hour began"),
    Column("account", String(255), primary_key=True),
    Column("applied", BigInteger, nullable=False, comment="events that ended so"),
    Column("superseded", BigInteger, nullable=False),
    Column("dead", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False, comment="to Kit"),
    Column("age", Float, nullable=False, comment="seconds from event to applied, of those in aged together"),
    Column("aged", BigInteger, nullable=False, comment="how many were applied, and not by a replay"),
)

due = Table(
    "due",
    tables,
    Column("account", String(255), primary_key=True),
    Column("id", String(64), primary_key=True, comment="the same for the same event and time"),
    Column("at", Float, nullable=False, comment="when it takes effect, by the ledger's clock"),
    Column("not_before", Float, nullable=False, comment="when it is published, perhaps once more"),
    Column("published", Integer, nullable=False, default=0, comment="how often RabbitMQ confirmed it"),
    Column("email", String(320), nullable=False),
    Column("user_id", String(255)),
    Column("event_type", Text, nullable=False),
    Column("event_id", String(255)),
    Column("event_time", String(40), nullable=False),
    Column("what", Text, nullable=False, comment="what it will do, for people"),
    Column("message", LargeBinary, nullable=False, comment="the event, as it comes in again"),
    Index("due_by_time", "not_before"),
    Index("due_by_email", "account", "email"),
)

forgotten = Table(
    "forgotten",
    tables,
    Column("account", String(255), primary_key=True),
    Column("mark", String(64), primary_key=True, comment="a keyed hash of an address or a user's id"),
    Column("until", String(40), nullable=False, comment="events of this time and older are dropped"),
)

bindings = Table(
    "bindings",
    tables,
    Column("account", String(255), primary_key=True, comment="whose queue was bound"),
    Column("exchange", String(255), primary_key=True),
    Column("key", String(255), primary_key=True, comment="the routing key"),
)

names = Table(
    "names",
    tables,
    Column("account", String(255), primary_key=True),
    Column("kind", String(16), primary_key=True, comment="tags, or custom_fields"),
    Column("name", Text, primary_key=True, comment="as the account's file has it; a tag without case"),
    Column("kit_account", BigInteger, nullable=False, comment="Kit's id of the account it is in"),
    Column("kit_id", BigInteger, nullable=False, comment="of the tag or the custom field that it means"),
    Column("kit_name", Text, nullable=False, comment="what Kit called it when it was last looked at"),
)

tokens = Table(
    "tokens",
    tables,
    Column("account", String(255), primary_key=True),
    Column("kit_account", BigInteger, nullable=False, comment="Kit's id of the account it is connected to"),
    Column("kit_url", Text, nullable=False, comment="where Kit was then"),
    Column("connected_at", Float, nullable=False, comment="or when its API key was entered"),
    Column("sealed", Text, nullable=False, comment="the tokens, or an API key, encrypted with LEDGER_KEY"),
    Column("expires_at", Float, nullable=False, comment="when the access token ends"),
    Column("version", BigInteger, nullable=False, comment="grows with every refresh"),
    Column("refreshing", String(64), nullable=False, comment="names the refresh that is under way"),
    Column("in_doubt", Boolean, nullable=False, comment="Kit's answer to a refresh was lost"),
    Column("problem", Text, nullable=False, comment="why it must be connected again"),
    Index("tokens_by_kit_account", "kit_account", "kit_url", unique=True),  # one Kit account is one account
)

kit_accounts = Table(
    "kit_accounts",
    tables,
    Column("account", String(255), primary_key=True),
    Column("name", Text, nullable=False, comment="as Kit calls it"),
    Column("plan", Text, nullable=False),
    Column("at", Float, nullable=False, comment="when Kit said so"),
)

workers = Table(
    "workers",
    tables,
    Column("instance", String(64), primary_key=True, comment="one process"),
    Column("worker", String(255), nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("state", Text, nullable=False, comment="JSON: its accounts, as /readyz shows them"),
)

consumers = Table(
    "consumers",
    tables,
    Column("instance", String(64), primary_key=True),
    Column("account", String(255), primary_key=True),
    Column("seen_at", Float, nullable=False),
)

claims = Table(
    "claims",
    tables,
    Column("mark", String(64), primary_key=True, comment="a hash of an app, a credential, or its place"),
    Column(
        "account", String(255), nullable=False, comment="which has it, and keeps it while others claim it"
    ),
    Column("kit_account", BigInteger, comment="Kit's id of what a credential there opens; null: not known"),
    Column("kit_url", Text, comment="where Kit was then"),
    Index("claims_by_kit_account", "kit_account", "kit_url", unique=True),  # one Kit account is one account
)

journal = Table(
    "journal",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("account", String(255), nullable=False, comment="empty: all, or none"),
    Column("who", Text, nullable=False, comment="no address"),
    Column("action", String(64), nullable=False, comment="a stable name"),
    Column("what", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("result", Text, nullable=False),
    Index("journal_by_account", "account", "id"),
)

versions = Table(
    "versions",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("account", String(255), nullable=False),
    Column("at", Float, nullable=False),
    Column("who", Text, nullable=False, comment="no address; empty: the text was found in the file"),
    Column("sha256", String(64), nullable=False),
    Column("text", Text, nullable=False, comment="of the account's file"),
    Index("versions_by_account", "account", "id"),
)
