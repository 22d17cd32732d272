"""Coming in: operators with a token, admins with a link. And going out."""

from __future__ import annotations

import asyncio
from hmac import compare_digest
from typing import Final

import structlog
from aiohttp import web
from pydantic import SecretStr

from worker.page.addresses import part, view_of
from worker.page.answers import refusal, render, see
from worker.page.request import is_secure, site_of
from worker.page.rights import SESSION_LASTS, Visitor, of_link, operator
from worker.page.site import Site

log = structlog.get_logger()

COOKIE: Final = "kit_worker_session"
EDITING: Final = ("/events/edit", "/fields/edit", "/text", "/try", "/mend")
"""Where forms about an account's file go, and those about an event."""
NOT_TYPED: Final = frozenset({"do", "read", "was", "there", "more"})
"""What these send besides what somebody has typed."""


def visitor_of(request: web.Request) -> Visitor | None:
    """Return whose request it is; None where nobody signed in, or long ago."""
    site, now = site_of(request), site_of(request).clock.time()
    if site.is_open:
        return operator(may_change=True, now=now)
    return site.signer.read_visitor("session", request.cookies.get(COOKIE, ""), now)


async def to_sign_in(request: web.Request) -> web.StreamResponse:
    """Return what leads somebody without a session to one.

    Whoever follows a link on another site has one perhaps, and the browser keeps it from the first request
    (SameSite=Strict); a second one, from a page of ours, has it.
    """
    if request.method not in {"GET", "HEAD"}:
        said = "You are not signed in, or your session has ended; nothing was done."
        return refusal(request, 403, said, typed=await _typed(request))
    if request.headers.get("Sec-Fetch-Site") in {"cross-site", "same-site"}:
        return render(request, "going_on.html", {"to": _next(request.path_qs)})
    return see(f"/sign-in?next={part(request.path_qs)}")


async def _typed(request: web.Request) -> str:
    """Return what somebody has typed into a form about a file or an event, so that it is not lost."""
    if not request.path.endswith(EDITING):
        return ""  # elsewhere it may be a secret
    try:
        sent = await request.post()
    except web.HTTPRequestEntityTooLarge:
        return ""  # so much is taken of nobody without a session
    boxes = [(name, text) for name, text in sent.items() if isinstance(text, str) and name not in NOT_TYPED]
    return "\n".join(f"{name}: {text}" for name, text in boxes if text and not name.endswith((".at", ".was")))


async def show(request: web.Request) -> web.StreamResponse:
    """Ask for a token, where one is needed."""
    return see("/") if site_of(request).is_open else _asked(request)


def _asked(request: web.Request, problem: str = "", status: int = 200) -> web.Response:
    values = {"next": _next(request.query.get("next", "")), "problem": problem}
    return render(request, "sign_in.html", values, status=status)


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Let in whoever knows a token."""
    site, form, address = site_of(request), await request.post(), request.remote or ""
    wait = site.attempts.wait(address, site.clock.monotonic())
    if wait is None:
        return refusal(request, 429)
    if wait:  # else it is looked at before any other: the count of wrong ones holds
        await asyncio.sleep(wait)
    visitor = _visitor_for(site, str(form.get("token", "")).strip())
    if visitor is None:
        site.attempts.note(address, site.clock.monotonic())
        log.warning("page_token_wrong", address=address)
        said = "This is not the token. It is PAGE_TOKEN, or PAGE_READ_TOKEN, of kit-worker page."
        return _asked(request, said, 403)
    return _let_in(request, visitor, _next(str(form.get("next", ""))))


def _visitor_for(site: Site, token: str) -> Visitor | None:
    known = ((site.settings.page_token, True), (site.settings.page_read_token, False))
    found = [may_change for secret, may_change in known if secret is not None and _is(token, secret)]
    return operator(may_change=any(found), now=site.clock.time()) if found else None


def _is(token: str, secret: SecretStr) -> bool:
    return compare_digest(token.encode(), secret.get_secret_value().encode())


async def show_link(request: web.Request) -> web.StreamResponse:
    """Ask whoever comes with a link to come in, by a button: only what comes from here gets a session."""
    link = _link(request)
    if link is None:
        return _stale(request)
    return render(request, "link.html", {"account": link.account, "may_change": link.may_change})


async def follow_link(request: web.Request) -> web.StreamResponse:
    """Let in whoever comes with a link."""
    link = _link(request)
    if link is None:
        return _stale(request)
    visitor = of_link(link, site_of(request).clock.time())
    return _let_in(request, visitor, view_of(link.account or ""))


def _link(request: web.Request) -> Visitor | None:
    """Return what a link allows; one for operators is none, for it would allow all."""
    site = site_of(request)
    link = site.signer.read_visitor("link", request.match_info["token"], site.clock.time())
    return link if link is not None and link.account else None


def _stale(request: web.Request) -> web.Response:
    said = "This link has ended, or is not whole. Ask for a new one: kit-worker page-link makes it."
    return refusal(request, 403, said)


async def sign_out(_request: web.Request) -> web.StreamResponse:
    """End the session in this browser."""
    answer = see("/sign-in")
    answer.del_cookie(COOKIE, httponly=True, samesite="Strict")
    return answer


def _let_in(request: web.Request, visitor: Visitor, place: str) -> web.StreamResponse:
    site = site_of(request)
    answer = see(place)
    text = site.signer.write_visitor("session", visitor)
    answer.set_cookie(
        COOKIE, text, max_age=int(SESSION_LASTS), httponly=True, samesite="Strict", secure=is_secure(request)
    )
    log.info("page_signed_in", who=visitor.who, account=visitor.account)
    return answer


def _next(place: str) -> str:
    """Return where to go on: a place of ours, and never another site's."""
    ours = place.startswith("/") and not place.startswith(("//", "/\\")) and place.isprintable()
    return place if ours else "/"
