"""The addresses at which a ledger may be, and how safe the way to each is."""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from worker.outside.urls import check_url

DRIVERS: Final = {"sqlite+aiosqlite", "postgresql+asyncpg"}
MAX_PORT: Final = 65536
QUERY_KEYS: Final = {
    "database", "host", "passfile", "password", "port", "prepared_statement_cache_size", "ssl",
    "sslrootcert", "target_session_attrs", "user",
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
    except (ArgumentError, ValueError) as error:
        raise ValueError(hint) from error
    is_sqlite = parsed.drivername.startswith("sqlite")
    if parsed.drivername not in DRIVERS or (is_sqlite and parsed.host):
        raise ValueError(hint)
    if not is_sqlite:
        check_url(url)
    if not (parsed.port or 1) < MAX_PORT:
        raise ValueError(f"the port must be below {MAX_PORT}")
    unknown = [] if is_sqlite else sorted(parsed.query.keys() - QUERY_KEYS)
    if unknown:
        known = ", ".join(sorted(QUERY_KEYS))
        raise ValueError(f"?{unknown[0]}=… is none of {known}; for TLS say ?ssl=verify-full")
    if is_sqlite and (not parsed.database or parsed.database == ":memory:"):
        raise ValueError("must name a file: a ledger in memory would forget everything at the next start")


def check_way_to_ledger(url: str, allow_plain: str) -> None:
    """Refuse to send a password to whoever answers: asyncpg would do so where TLS is refused, or unverified.

    Args:
        url: As `check_ledger_url` allows it.
        allow_plain: `1`: the network is trusted; `0` or empty: no other than this host; else the names of
            hosts, with commas between them, the way to which is trusted.

    Raises:
        ValueError: The text says what to do.
    """
    parsed = make_url(url)
    mode, root = parsed.query.get("ssl"), parsed.query.get("sslrootcert")
    if root is not None and mode not in {"verify-full", "verify-ca"}:
        raise ValueError("?sslrootcert=… counts with ?ssl=verify-full or ?ssl=verify-ca only")
    # Without a CA of one's own, anybody's certificate for any name would be good enough for verify-ca.
    verified = mode == "verify-full" or (mode == "verify-ca" and root is not None)
    if parsed.drivername.startswith("sqlite") or verified or allow_plain == "1":
        return
    trusted = {name.strip() for name in allow_plain.split(",")}
    if exposed := [host for host in _hosts(parsed) if host not in trusted and not _is_here(host)]:
        raise ValueError(
            f"the way to {exposed[0]} needs verified TLS, or the password goes to whoever answers: add "
            "?ssl=verify-full, and &sslrootcert=FILE where its CA is your own; in a network that you trust, "
            "LEDGER_ALLOW_PLAIN=1 allows it without"
        )


def _hosts(url: URL) -> list[str]:
    """Return all hosts of an address; without one, asyncpg looks into the environment, as libpq does."""
    given = url.query.get("host", ())
    named = [*([url.host] if url.host else []), *([given] if isinstance(given, str) else given)]
    listed = named or [os.environ.get("PGHOST", "localhost")]
    return [_without_port(host) for each in listed for host in each.split(",")]


def _without_port(host: str) -> str:
    return host.rpartition(":")[0] if host.count(":") == 1 else host


def _is_here(host: str) -> bool:
    """Whether a host is this one: by name, by a loopback address, or by the folder of a socket."""
    if host in {"", "localhost"} or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
