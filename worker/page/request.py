"""What belongs to a request: the site, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from worker.page.rights import Visitor
from worker.page.site import Site

SITE: Final = web.AppKey("site", Site)
MOST_DIGITS: Final = 19
"""Of a number that the ledger can hold."""
_SEPARATORS: Final = re.compile(r"[\s,.'_]")
VISITOR: Final = web.RequestKey("visitor", Visitor)


def site_of(request: web.Request) -> Site:
    """Return what all views share."""
    return request.app[SITE]


def is_secure(request: web.Request) -> bool:
    """Tell whether the browser came over TLS, to us or to a proxy before us: cookies stay on that way."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "") == "https"


def number_in(text: str) -> int | None:
    """Return the number of a line in the ledger that an address names; None where it names none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < MOST_DIGITS else None


def written_number(form: Mapping[str, object], name: str) -> str:
    """Return the digits of a number that somebody wrote into a form, however they set thousands apart."""
    return _SEPARATORS.sub("", str(form.get(name, "")))


def visitor_of(request: web.Request) -> Visitor:
    """Return whose request it is, where a session is needed to get here."""
    return request[VISITOR]
