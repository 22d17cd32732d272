"""The answers that templates make, and those that say why something was not done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import aiohttp_jinja2
from aiohttp import web

from worker.metrics import VERSION
from worker.outside.texts import harmless
from worker.page.messages import drop_message, keep_message, message_for
from worker.page.request import VISITOR, site_of
from worker.page.words import Told

_TAGS: Final = re.compile(r"(<textarea\b.*?</textarea>|<[^>]*>)", re.DOTALL)
"""Tags, which no text of others holds, and boxes with what is in them."""


def render(
    request: web.Request, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """Return what a template makes of some values; of a part of a view, nothing to whoever has it already.

    Raises:
        AssertionError: A value takes the place of one that all views have.
    """
    message = message_for(request)
    always = {
        "visitor": request.get(VISITOR),
        "open": site_of(request).is_open,
        "version": VERSION,
        "message": message,
    }
    if values and not always.keys().isdisjoint(values):
        raise AssertionError(f"{template} is given one of {', '.join(always)}, which all views have")
    made = aiohttp_jinja2.render_string(template, request, {**always, **(values or {})})
    answer = web.Response(text=only_read(made), content_type="text/html", charset="utf-8", status=status)
    if message is not None:
        drop_message(answer)
    return _if_new(request, answer) if template.startswith("_") else answer


def only_read(html: str) -> str:
    """Return a view whose texts, whoever has written them, can only be read: see `harmless`.

    What is in the boxes of forms stays as it is, since it comes back.
    """
    html = html.replace("\r\n", "\n").replace("\r", "\n")  # as browsers take it
    if harmless(html) == html:
        return html  # nearly every view
    return "".join(part if at % 2 else harmless(part) for at, part in enumerate(_TAGS.split(html)))


def _if_new(request: web.Request, answer: web.Response) -> web.Response:
    """Return a part of a view, or that it has not changed (RFC 9110, 13.1.2): tabs ask every few seconds."""
    mark = f'"{sha256(answer.text.encode() if answer.text else b"").hexdigest()[:32]}"'
    if request.headers.get("If-None-Match") == mark:
        answer = web.Response(status=304)
    answer.headers["ETag"] = mark
    return answer


def see(place: str) -> web.Response:
    """Return what sends the browser to another view."""
    return web.Response(status=303, headers={"Location": place})


def going_to(request: web.Request, place: str, told: Told) -> web.Response:
    """Return what sends the browser to a view that says how an action ended."""
    answer = see(place)
    keep_message(request, answer, told)
    return answer


_TOLD: Final[Mapping[int, tuple[str, str]]] = {
    403: ("This is not allowed", "Ask whoever gave you the link, or an operator."),
    404: (
        "There is nothing here",
        "It may have been removed, or is not yours to see. Begin at the first page.",
    ),
    405: ("This cannot be done here", "Go back, and use the buttons of the page."),
    409: ("Somebody else was here first", "Go back, load the view again, and see what is still to be done."),
    413: (
        "That is too much",
        (
            "Nothing was done. Go back, and send less: an account's file has at most 1 MiB, an event at most "
            "256 KiB, and every other form a few words."
        ),
    ),
    429: ("Too many wrong tokens", "Try again in a few seconds: others send some, too, from where you are."),
    500: (
        "Something went wrong",
        "It is a fault of this program, and the log of kit-worker page has it: page_crashed.",
    ),
    503: ("It cannot be done now", "Try again in a minute."),
}


def refusal(request: web.Request, status: int, said: str = "", *, typed: str = "") -> web.Response:
    """Return the page that says why something was not done, what to do, and what would be lost."""
    title, remedy = _TOLD.get(status, ("This could not be done", "Go back, and try again."))
    values = {"title": title, "said": said, "remedy": remedy, "typed": typed}
    return render(request, "refusal.html", values, status=status)
