"""What an action ended with, shown once on the view that the browser is sent to: signed, in a cookie."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from worker.outside.texts import line
from worker.page.request import SITE, is_secure
from worker.page.words import Told

COOKIE: Final = "kit_worker_message"
LONGEST: Final = 800
"""Characters of a part: a cookie has room for 4,096 (RFC 6265, 6.1)."""
SHOWN_WITHIN: Final = 60
"""Seconds."""


def keep_message(request: web.Request, response: web.StreamResponse, told: Told) -> None:
    """Have the next view show what an action ended with."""
    parts = [told.mood, line(told.sentence, LONGEST), line(told.remedy, LONGEST)]
    text = request.app[SITE].signer.write("message", parts)
    response.set_cookie(
        COOKIE, text, max_age=SHOWN_WITHIN, httponly=True, samesite="Strict", secure=is_secure(request)
    )


def message_for(request: web.Request) -> Told | None:
    """Return what is to be shown on a view, if anything is; parts of views show none."""
    if request.path.rpartition("/")[2].startswith("_"):
        return None
    value = request.app[SITE].signer.read("message", request.cookies.get(COOKIE, ""))
    return Told(*value) if isinstance(value, list) and len(value) == len(Told._fields) else None


def drop_message(response: web.StreamResponse) -> None:
    """Have the browser forget what is shown now."""
    response.del_cookie(COOKIE, httponly=True, samesite="Strict")
