"""An account is connected with Kit by OAuth, and let out again, whichever way it was let in.

The question is open in one browser: a signed cookie holds who asked, for which account, and a random word
that comes back from Kit with the answer. An answer to anything else is turned down.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import asdict, dataclass
from typing import Final

from aiohttp import web
from pydantic import SecretStr, TypeAdapter, ValidationError

from worker.errors import KitWorkerError
from worker.kit.auth.callback import check_redirect_uri
from worker.kit.auth.consent import SEPARATOR, VALID_FOR, Consent, ConsentError
from worker.kit.credentials import OAuthApp
from worker.ledger.connecting import OtherConnectionError
from worker.ledger.tokens import TokenStore
from worker.ops.connect import KitAccountTakenError, LetOut, admitted, keep, let_out, question
from worker.page.actions import ended, noted
from worker.page.addresses import view_of
from worker.page.answers import going_to, refusal, render
from worker.page.request import is_secure, site_of, visitor_of
from worker.page.site import NO_LEDGER, Site
from worker.page.views.api_key import REPLACE, taken
from worker.page.words import Told, no_ledger_key

COOKIE: Final = "kit_worker_consent"
CAME_BACK: Final = "/connected"
"""Where Kit sends the browser; the app at Kit must know this address of the page."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that is open in one browser.

    Attributes:
        who: Whose session asked.
        nonce: What comes back from Kit with the answer.
        replace: Whether the answer may be of another Kit account than the one before.
    """

    who: str
    account: str
    redirect_uri: str
    nonce: str
    replace: bool


_ASKED: Final = TypeAdapter(OpenQuestion)


async def ask(request: web.Request) -> web.StreamResponse:
    """Show where the account's creator says yes: an address of Kit's, which a form may not lead to."""
    site, name = site_of(request), request.match_info["account"]
    app, key = _app_of(site, name), site.settings.ledger_key
    if app is None:
        said = "The account's file names no app at Kit. An operator writes kit: {oauth: …} into it."
        return refusal(request, 400, said)
    if key is None or not await site.has_ledger():
        told = no_ledger_key("It cannot be connected yet") if key is None else Told("bad", NO_LEDGER)
        return await ended(request, "connect", told, view_of(name))
    root = f"{'https' if is_secure(request) else 'http'}://{request.host}"
    replace = (await request.post()).get("of") == REPLACE
    asked = OpenQuestion(
        visitor_of(request).who, name, f"{root}{CAME_BACK}", secrets.token_urlsafe(16), replace
    )
    try:
        check_redirect_uri(asked.redirect_uri)
    except ConsentError:
        return refusal(request, 400, "Kit could not send a browser back to the address of this page.")
    consent = await question(key, app, name, asked.redirect_uri, site.ledger)
    address = consent.address(site.settings.kit_base_url, asked.nonce)
    values = {"account": name, "view": "connection", "address": address, "back": asked.redirect_uri}
    answer = render(request, "consent.html", values)
    text = site.signer.write("consent", asdict(asked))
    # Lax: the browser comes back from Kit, which is another site.
    answer.set_cookie(
        COOKIE, text, max_age=int(VALID_FOR), httponly=True, samesite="Lax", secure=is_secure(request)
    )
    return answer


async def came_back(request: web.Request) -> web.StreamResponse:
    """Keep what Kit grants, where it is the answer to what this browser asked."""
    site, visitor, asked = site_of(request), visitor_of(request), _asked(request)
    if asked is None or asked.who != visitor.who:
        said = "Nobody asked Kit for anything here, or long ago; nothing was done."
        return refusal(request, 403, f"{said} Begin again on the account's page: Connect with Kit.")
    if not (visitor.may_see(asked.account) and visitor.may_change):
        return refusal(request, 403, "You may not connect this account.")
    app, key = _app_of(site, asked.account), site.settings.ledger_key
    if app is None or key is None:
        return refusal(request, 400, "The account, or its app at Kit, is gone meanwhile; nothing was done.")
    if not _is_answer(request.query.get("state", ""), asked.nonce):
        return refusal(request, 403, "This is no answer to what was asked here; nothing was done.")
    told = await _connected(request, asked, app, key)
    await noted(request, "connect", told, account=asked.account)
    answer = going_to(request, view_of(asked.account), told)
    answer.del_cookie(COOKIE, httponly=True, samesite="Lax")
    return answer


async def _connected(request: web.Request, asked: OpenQuestion, app: OAuthApp, key: SecretStr) -> Told:
    site = site_of(request)
    try:
        consent = await question(key, app, asked.account, asked.redirect_uri, site.ledger)
        return await _kept(site, consent, str(request.rel_url), replace=asked.replace)
    except ConsentError as error:
        return Told("bad", f"The account was not connected: {error.why}.", "Begin again: Connect with Kit.")
    except OtherConnectionError:
        return Told(
            "bad",
            "Another Kit account said yes than the one that is connected; nothing was changed.",
            "If that is meant, say so in the form, and connect again.",
        )
    except KitAccountTakenError as error:
        return taken(request, error)
    except KitWorkerError as error:
        return Told("bad", f"The account was not connected: {error}.", "Begin again: Connect with Kit.")


async def _kept(site: Site, consent: Consent, address: str, *, replace: bool) -> Told:
    granted = consent.returned(address)
    admission = await admitted(site.settings, consent, granted, site.ledger)
    store = TokenStore(site.ledger, None)
    before = (await store.connected()).get(consent.account) if replace else None
    done = await keep(site.settings, admission, site.ledger, before)
    said = f"The account is connected with {done.kit_name!r} in Kit; every worker uses that within 5 seconds."
    return Told("good", said, _not_ended(done.not_ended))


async def disconnect(request: web.Request) -> web.StreamResponse:
    """Forget the account's key, or end its access at Kit and forget the tokens, if somebody is sure."""
    site, name = site_of(request), request.match_info["account"]
    if (await request.post()).get("sure") != "yes":
        told = Told("busy", "Nothing was forgotten.", "Tick the box first: the account's events wait then.")
        return await ended(request, "disconnect", told, view_of(name), count=0)
    if await site.has_ledger():
        done = await let_out(site.settings, name, _app_of(site, name), site.ledger)
    else:
        done = LetOut(was_connected=False)
    return await ended(request, "disconnect", _let_out(done), view_of(name))


def _let_out(done: LetOut) -> Told:
    if not done.was_connected:
        return Told("busy", "There was nothing to forget.")
    said = "within 5 seconds no worker uses it any more; the account's events wait."
    if done.was_key:
        return Told(
            "good",
            f"The key is forgotten: {said}",
            "It stays good until somebody deletes it in Kit (Settings, Developer).",
        )
    return Told("good", f"The account is disconnected: {said}", _not_ended(done.not_ended))


def _not_ended(why: str) -> str:
    return f"The access before was not ended at Kit ({why}): remove the app in Kit's settings." if why else ""


def _asked(request: web.Request) -> OpenQuestion | None:
    value = site_of(request).signer.read("consent", request.cookies.get(COOKIE, ""))
    try:
        return _ASKED.validate_python(value)
    except ValidationError:
        return None


def _is_answer(state: str, nonce: str) -> bool:
    return hmac.compare_digest(state.partition(SEPARATOR)[0].encode(), nonce.encode())


def _app_of(site: Site, name: str) -> OAuthApp | None:
    account = site.account(name)
    credential = account.credential if account else None
    return credential if isinstance(credential, OAuthApp) else None
