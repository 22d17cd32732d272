"""An account's API key is entered, or replaced: Kit is asked first, and nothing shows it again."""

from __future__ import annotations

from aiohttp import web

from worker.errors import CredentialRefused, KitWorkerError, LedgerUnavailable
from worker.kit.credentials import StoredKey
from worker.ledger.connecting import OtherConnectionError
from worker.ledger.tokens import TokenStore
from worker.ops.api_key import NoApiKeyError, enter_key
from worker.ops.connect import KitAccountTakenError
from worker.page.actions import ended
from worker.page.addresses import view_of
from worker.page.request import site_of, visitor_of
from worker.page.site import NO_LEDGER
from worker.page.words import Told, no_ledger_key

REPLACE = "another"
"""What the form says of a key that may be of another Kit account than the one before."""


async def enter(request: web.Request) -> web.StreamResponse:
    """Keep the key that somebody enters, if Kit takes it."""
    name, form = request.match_info["account"], await request.post()
    account = site_of(request).account(name)
    if account is None or not isinstance(account.credential, StoredKey):
        told = Told(
            "bad",
            "The account's file does not say that its key is entered here; nothing was saved.",
            "An operator writes kit: {api_key: stored} into it.",
        )
    else:
        told = await _entered(request, name, str(form.get("key", "")), replace=form.get("of") == REPLACE)
    return await ended(request, "api key", told, view_of(name))


async def _entered(request: web.Request, name: str, entered: str, *, replace: bool) -> Told:
    site = site_of(request)
    if site.settings.ledger_key is None:
        return no_ledger_key("The key was not saved")
    if not await site.has_ledger():
        return Told("bad", f"The key was not saved. {NO_LEDGER}", "Start a worker, and enter it again.")
    try:
        before = (await TokenStore(site.ledger, None).connected()).get(name) if replace else None
        at_kit = await enter_key(
            site.settings, name, entered, site.ledger, names=site.loaded.names, instead_of=before
        )
    except (NoApiKeyError, OtherConnectionError, KitAccountTakenError, KitWorkerError) as error:
        return _not_saved(request, error)
    return Told(
        "good",
        f"The key is saved. It opens {at_kit.name!r} in Kit, plan {at_kit.plan}, and every worker uses it "
        "within 5 seconds.",
    )


def _not_saved(request: web.Request, error: Exception) -> Told:
    """Return what is said of a key that was not saved; nothing has changed."""
    match error:
        case OtherConnectionError():
            return Told(
                "bad",
                "This is the key of another Kit account than the one before; it was not saved.",
                "If that is meant, say so in the form, and enter it again.",
            )
        case KitAccountTakenError():
            return taken(request, error)
        case CredentialRefused():
            return Told(
                "bad",
                "Kit refuses this key, so it was not saved.",
                "Copy it from Kit again (Settings, Developer), the whole of it.",
            )
        case NoApiKeyError() | LedgerUnavailable():
            return Told("bad", f"The key was not saved: {error}.")
    return Told(
        "bad", f"Kit could not be asked, so the key was not saved: {error}.", "Try again in a minute."
    )


def taken(request: web.Request, error: KitAccountTakenError) -> Told:
    """Return what is said where another account of this worker has a Kit account; operators hear which."""
    remedy = "One Kit account is one account file, in which an operator lists several apps."
    if visitor_of(request).is_operator:
        gone = f"If that one has no file any more: kit-worker disconnect {error.owner}"
        remedy = f"It belongs to {error.owner}. {remedy} {gone}"
    said = "This Kit account belongs to another account here already; nothing was changed."
    return Told("bad", said, remedy)
