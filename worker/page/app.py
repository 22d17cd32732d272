"""The page's web application: its addresses, and what holds for each request before a view sees it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

import aiohttp_jinja2
import structlog
from aiohttp import web
from jinja2 import PackageLoader, StrictUndefined

from worker.errors import KitWorkerError
from worker.page.addresses import part
from worker.page.answers import refusal
from worker.page.origin import is_from_here, is_loopback
from worker.page.request import SITE, VISITOR
from worker.page.rights import Visitor
from worker.page.site import Site
from worker.page.views import (
    accounts,
    api_key,
    apply,
    backfill,
    connection,
    consent,
    day,
    dead_letter_actions,
    dead_letters,
    drift,
    drift_mending,
    edit_event,
    edit_field,
    edit_text,
    events,
    fields,
    held,
    journal,
    lint,
    operating,
    people,
    people_look,
    person_actions,
    sign_in,
    tests,
    trying,
    versions,
)
from worker.page.words import found

log = structlog.get_logger()

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

LARGEST: Final = 64 * 1024
"""Bytes of what somebody sends: a form of this page holds a few words."""
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # a stricter one takes Origin off the posts of older browsers, too
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Server": "kit-worker",
}
TRY: Final = "/accounts/{account}/try"
"""Where a form may be posted by whoever may look: nothing is done by it."""
FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "found": found,
    "number": "{:,}".format,
    "urlencode": part,  # jinja's own leaves "/" as it is
}
OPEN: Final = ("/sign-in", "/link/", "/static/")
"""Where one needs no session."""
EVERYBODYS: Final = frozenset({"/", "/sign-out", consent.CAME_BACK})
"""Where one needs a session of any kind; `/` sends an admin on to their account, and who comes back from Kit
is looked at by the view."""

_EDITING: Final = (
    web.get("/accounts/{account}/events/edit", edit_event.show),
    web.post("/accounts/{account}/events/edit", edit_event.change),
    web.get("/accounts/{account}/fields/edit", edit_field.show),
    web.post("/accounts/{account}/fields/edit", edit_field.change),
    web.get("/accounts/{account}/text", edit_text.show),
    web.post("/accounts/{account}/text", edit_text.change),
    web.get("/accounts/{account}/looks/{look}/_state", people_look.show_state),
    web.get("/accounts/{account}/versions", versions.show),
    web.get("/accounts/{account}/versions/_in_force", versions.show_in_force),
    web.get("/accounts/{account}/versions/{version}", versions.show_one),
    web.post("/accounts/{account}/versions/{version}", versions.restore),
)
"""What is about changing an account's file."""


def page(site: Site) -> web.Application:
    """Return the application."""
    app = web.Application(middlewares=[_told, _guarded], client_max_size=LARGEST)
    app[SITE] = site
    app.on_response_prepare.append(_with_headers)
    aiohttp_jinja2.setup(
        app,
        loader=PackageLoader("worker.page"),
        filters=FILTERS,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    app.router.add_routes(
        [
            web.get("/", accounts.show),
            web.get("/_accounts", accounts.show_rows),
            web.get("/_day", day.show),
            web.get("/journal", journal.show),
            web.get("/sign-in", sign_in.show),
            web.post("/sign-in", sign_in.sign_in),
            web.get("/link/{token}", sign_in.show_link),
            web.post("/link/{token}", sign_in.follow_link),
            web.post("/sign-out", sign_in.sign_out),
            web.get("/accounts/{account}", connection.show),
            web.get("/accounts/{account}/_state", connection.show_state),
            web.get("/accounts/{account}/_day", day.show),
            web.get("/accounts/{account}/events", events.show),
            web.get("/accounts/{account}/events/_rows", events.show_rows),
            web.get("/accounts/{account}/fields", fields.show),
            web.get("/accounts/{account}/lint", lint.show),
            web.get("/accounts/{account}/journal", journal.show),
            web.get("/accounts/{account}/tests", tests.show),
            web.get(TRY, trying.show),
            web.post(TRY, trying.attempt),
            web.get("/accounts/{account}/people", people.find),
            web.get("/accounts/{account}/people/{email}", people.show),
            web.get("/accounts/{account}/people/{email}/forget", person_actions.ask_to_forget),
            web.post("/accounts/{account}/people/{email}/forget", person_actions.forget),
            web.post("/accounts/{account}/people/{email}/again", person_actions.again),
            web.get(consent.CAME_BACK, consent.came_back),
            *apply.ROUTES,
            *backfill.ROUTES,
            *drift.ROUTES,
            *drift_mending.ROUTES,
            *dead_letters.ROUTES,
            *dead_letter_actions.ROUTES,
            web.post("/accounts/{account}/test", connection.test),
            web.post("/accounts/{account}/key", api_key.enter),
            web.post("/accounts/{account}/connect", consent.ask),
            web.post("/accounts/{account}/disconnect", consent.disconnect),
            web.post("/accounts/{account}/held", held.let_through),
            web.post("/accounts/{account}/link", operating.make_link),
            web.post("/accounts/{account}/pause", operating.pause),
            web.post("/accounts/{account}/resume", operating.resume),
            *_EDITING,
        ]
    )
    app.router.add_static("/static/", Path(__file__).parent / "static")
    return app


async def _with_headers(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


@web.middleware
async def _told(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Show what went wrong as a page of our own, which says what to do."""
    try:
        with request.app[SITE].looks.answering():
            return await handler(request)
    except web.HTTPException as error:
        return refusal(request, error.status)
    except KitWorkerError as error:
        return refusal(request, 503, str(error))
    except Exception:  # the edge: whoever looks at the page is to be told, and the page goes on
        if request.transport is None:
            return web.Response(status=400)  # the client has hung up half-way, and hears nothing
        log.exception("page_crashed", path=request.path)
        return refusal(request, 500)


@web.middleware
async def _guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody see or do what they may not."""
    stranger = _not_from_here(request)
    if stranger is not None:
        return stranger
    visitor = sign_in.visitor_of(request)
    if visitor is not None:
        request[VISITOR] = visitor
    if request.path.startswith(OPEN):
        return await handler(request)
    if visitor is None:
        return await sign_in.to_sign_in(request)
    return _refused(request, visitor) or await handler(request)


def _not_from_here(request: web.Request) -> web.Response | None:
    """Return what somebody is told whom another site may have sent; None where nothing looks like that."""
    if request.app[SITE].is_open and not is_loopback(request.host):
        return refusal(request, 403, "Without PAGE_TOKEN the page answers to names of this machine alone.")
    if _acts(request) and not is_from_here(request.headers, request.host):
        return refusal(request, 403, "This did not come from a page of ours, so nothing was done.")
    return None


def _refused(request: web.Request, visitor: Visitor) -> web.Response | None:
    """Return what somebody is told who may not do this; None where they may.

    An address without an account is for operators alone, but those of `EVERYBODYS`. What is another account's
    is not there: whoever asks does not even hear that it exists.
    """
    account = request.match_info.get("account")
    if account is None:
        return None if visitor.is_operator or request.path in EVERYBODYS else refusal(request, 404)
    if not visitor.may_see(account) or account not in request.app[SITE].loaded.names:
        return refusal(request, 404)
    resource = request.match_info.route.resource
    if _acts(request) and not visitor.may_change and (resource is None or resource.canonical != TRY):
        return refusal(request, 403, "You may look, and change nothing.")
    return None


def _acts(request: web.Request) -> bool:
    return request.method not in {"GET", "HEAD"}
