"""The addresses at which a ledger may be."""

from __future__ import annotations

from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

DRIVERS: Final = {"sqlite+aiosqlite", "postgresql+asyncpg"}
MAX_PORT: Final = 65536
QUERY_KEYS: Final = {
    "database", "host", "passfile", "password", "port", "prepared_statement_cache_size", "ssl",
    "target_session_attrs", "user",
}  # fmt: skip
"""What asyncpg takes of an address's query, and what makes sense there."""


def check_ledger_url(url: str) -> None:
    """Refuse an address that this ledger cannot use.

    Raises:
        ValueError: The text says what it should be and does not repeat it, since it may hold a password.
    """
    hint = "must be such as sqlite+aiosqlite:///data/ledger.db or postgresql+asyncpg://user:password@host/db"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(hint) from error
    if parsed.drivername not in DRIVERS:
        raise ValueError(hint)
    if not (parsed.port or 1) < MAX_PORT:
        raise ValueError(f"the port must be below {MAX_PORT}")
    unknown = sorted(parsed.query.keys() - QUERY_KEYS) if not parsed.drivername.startswith("sqlite") else []
    if unknown:
        known = ", ".join(sorted(QUERY_KEYS))
        raise ValueError(f"?{unknown[0]}=… is none of {known}; for TLS say ?ssl=require or ?ssl=verify-full")
    if parsed.drivername.startswith("sqlite") and (not parsed.database or parsed.database == ":memory:"):
        raise ValueError("must name a file: a ledger in memory would forget everything at the next start")
