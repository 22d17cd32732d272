"""URLs in settings: only such as every program reads alike, since some of them hold a password. Pure.

A sign that ends the password for one library and belongs to it for another puts half of it into the host's
name, and from there into every message that says where something is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qsl, unquote

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""What this machine calls itself, as hosts in addresses."""
ENCODED: Final = (
    "in a password write @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, % as %25, and any other sign that "
    "is no letter or digit likewise (percent-encoding)"
)
_UNSAFE: Final = re.compile(r"[^!-~]|[\"<>\\^`{|}]")
_STRAY_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST: Final = re.compile(r"[A-Za-z0-9._,:\[\]-]*")


def check_url(url: str) -> None:
    """Refuse a URL that two programs read differently (RFC 3986 against what libraries take).

    Raises:
        ValueError: The text says what is wrong and how to write it, and does not repeat the URL.
    """
    login, host, rest = _parts(url)
    if "@" in login + rest or "#" in rest or "[" in login or "://" in rest:
        raise ValueError(f"it can be read in two ways; {ENCODED}")
    if _UNSAFE.search(url) or _STRAY_PERCENT.search(url):
        raise ValueError(f"it holds a sign that no URL may hold; {ENCODED}")
    if not _HOST.fullmatch(host):
        raise ValueError("its host is no name or address; several are separated by commas")


def each_host(url: str) -> list[str]:
    """Return a URL for each host that a URL names, separated by commas."""
    _, host, rest = _parts(url)
    before = url[: len(url) - len(rest) - len(host)]
    return [f"{before}{each}{rest}" for each in host.split(",")]


def passwords(url: str) -> Iterator[str]:
    """Yield the passwords in a URL that was checked, as they are meant and as they are written."""
    login, _, rest = _parts(url)
    written = login.partition(":")[2]
    yield from (written, unquote(written))
    query = rest.partition("?")[2]
    yield from (value for name, value in parse_qsl(query) if name == "password")


def _parts(url: str) -> tuple[str, str, str]:
    """Return the login, the host with its port, and what follows."""
    behind = url.partition("://")[2]
    authority = re.split(r"[/?#]", behind, maxsplit=1)[0]
    login, _, host = authority.rpartition("@")
    return login, host, behind[len(authority) :]
