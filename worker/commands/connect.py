"""`kit-worker connect`: lets the worker into a Kit account."""

from __future__ import annotations

import asyncio
import secrets
from typing import Annotated, Final

import typer
from pydantic import SecretStr

from worker.commands.common import AccountName, begin, one_account, opened_ledger, read_accounts, run_async
from worker.commands.exits import UsageError
from worker.commands.output import say, warn, warn_not_ended
from worker.kit.auth.callback import check_redirect_uri, comes_here, waiting_for_callback
from worker.kit.auth.consent import Consent, ConsentError, Granted
from worker.kit.credentials import OAuthApp
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore
from worker.ops.connect import KitAccountTakenError, let_in
from worker.settings import Settings

REDIRECT_URI: Final = "http://localhost:8976/callback"
PATIENCE: Final = 600.0
"""Seconds in which somebody has to say yes."""


def connect(
    account: AccountName,
    *,
    code: Annotated[
        str | None,
        typer.Option(help="Without a browser here: the address at which one elsewhere ended."),
    ] = None,
    redirect_uri: Annotated[
        str, typer.Option(help="Where Kit sends the browser; the app at Kit must know this address.")
    ] = REDIRECT_URI,
) -> None:
    """Connect an account to Kit: print the address where its creator says yes, and keep what Kit grants."""
    settings = begin()
    app = _app_of(settings, account)
    try:
        check_redirect_uri(redirect_uri)
        name = run_async(_connect(settings, app, account, redirect_uri, code))
    except ConsentError as error:
        raise UsageError(str(error)) from error
    if name:
        say(f"{account} is connected to {name}; its workers notice within seconds.")


def _app_of(settings: Settings, account: str) -> OAuthApp:
    found = one_account(read_accounts(settings), account)
    if found.credential is None:
        raise UsageError(f"a secret of {account} is missing: see kit-worker check {account}")
    if not isinstance(found.credential, OAuthApp):
        raise UsageError(
            f"{found.path} names no app: write kit: {{oauth: {{client_id_env: KIT_CLIENT_ID}}}} there, in "
            "place of the key"
        )
    return found.credential


async def _connect(
    settings: Settings, app: OAuthApp, account: str, redirect_uri: str, code: str | None
) -> str:
    """Connect; return the name of Kit's account, or nothing where somebody has to say yes first."""
    async with opened_ledger(settings) as ledger:
        consent = Consent(app, account, redirect_uri, await _key_of(settings, ledger))
        granted = consent.pasted(code) if code is not None else await _consented(settings, consent)
        return await _let_in(settings, consent, granted, ledger) if granted else ""


async def _key_of(settings: Settings, ledger: Ledger) -> SecretStr:
    if settings.ledger_key is not None:
        return settings.ledger_key
    if connected := await TokenStore(ledger, None).connected():
        raise UsageError(
            f"LEDGER_KEY is not set, with which the tokens of {', '.join(sorted(connected))} are encrypted: "
            "set it as the workers have it"
        )
    raise UsageError(
        "LEDGER_KEY is not set; tokens are encrypted with it. Set it for all workers and commands, for "
        f"example in .env, to this new one, and keep a copy:\nLEDGER_KEY={new_key()}"
    )


async def _consented(settings: Settings, consent: Consent) -> Granted | None:
    """Wait for the browser; None where it does not come back to this program."""
    address = consent.address(settings.kit_base_url, secrets.token_urlsafe(16))
    elsewhere = (
        f"let it end there, copy its address, and run kit-worker connect {consent.account} --code 'THAT "
        "ADDRESS'"
    )
    if not comes_here(consent.redirect_uri):
        say(f"Open this address in a browser, as the creator of the account:\n\n{address}\n")
        option = f" --redirect-uri {consent.redirect_uri}"
        warn(f"The browser ends at {consent.redirect_uri}: {elsewhere}{option}.")
        return None
    async with waiting_for_callback(consent) as answer:
        say(f"Open this address in a browser, as the creator of the account:\n\n{address}\n")
        warn(
            f"Waiting for {consent.redirect_uri} … Where the browser is on another machine, it ends at an "
            f"error: {elsewhere}."
        )
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError:
            raise ConsentError(f"nobody said yes within {PATIENCE / 60:.0f} minutes") from None


async def _let_in(settings: Settings, consent: Consent, granted: Granted, ledger: Ledger) -> str:
    try:
        found = await let_in(settings, consent, granted, ledger)
    except KitAccountTakenError as error:
        raise UsageError(
            f"{error}; one Kit account is one file, with a list of apps. If {error.owner} has no file "
            f"any more: kit-worker disconnect {error.owner}"
        ) from error
    warn_not_ended(found.not_ended)
    return found.kit_name
