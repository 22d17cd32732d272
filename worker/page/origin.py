"""Whether a request came from a page of ours, or another site had a browser send it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from worker.outside.urls import LOOPBACK


def is_from_here(headers: Mapping[str, str], host: str) -> bool:
    """Tell whether a post came from a page of this server.

    Browsers say so in `Sec-Fetch-Site` (W3C, Fetch Metadata Request Headers), which no script can set; those
    that do not know it send `Origin` with each post. A request that has neither is no browser's.

    Args:
        headers: Of the request; their names in any case.
        host: The request's own `Host`.
    """
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(headers.get("Origin", ""))
    return bool(host) and origin.scheme in {"http", "https"} and origin.netloc.lower() == host.lower()


def is_loopback(host: str) -> bool:
    """Tell whether a `Host` names this machine, so that no name elsewhere was made to lead here.

    Where nobody has to sign in, a site whose name resolves to 127.0.0.1 could otherwise act for its visitor.
    """
    try:
        return (urlsplit(f"//{host}").hostname or "") in LOOPBACK
    except ValueError:
        return False
