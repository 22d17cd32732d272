"""`kit-worker connect`: lets the worker into a Kit account."""

from __future__ import annotations

import asyncio
import secrets
import sys
from datetime import UTC, datetime
from typing import Annotated, Final, NamedTuple

import typer
from pydantic import SecretStr

from worker.commands.common import (
    AccountName,
    begin,
    one_account,
    opened_ledger,
    read_accounts,
    run_async,
    says_yes,
)
from worker.commands.exits import UsageError
from worker.commands.output import say, warn, warn_not_ended
from worker.commands.stored_key import store_key
from worker.kit.auth.callback import check_redirect_uri, comes_here, waiting_for_callback
from worker.kit.auth.consent import VALID_FOR, Consent, ConsentError, Granted
from worker.kit.credentials import OAuthApp, StoredKey
from worker.ledger.connecting import Connected, OtherConnectionError
from worker.ledger.sealing import new_key
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore
from worker.ops.connect import Admission, KitAccountTakenError, LetIn, admitted, keep, question
from worker.settings import Settings

REDIRECT_URI: Final = "http://localhost:8976/callback"
OPEN: Final = (
    f"Open this address in a browser within {VALID_FOR / 60:.0f} minutes, as the creator of the account:"
)


class Arguments(NamedTuple):
    """What the command was told."""

    app: OAuthApp
    account: str
    redirect_uri: str
    code: str | None


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
    api_key_stdin: Annotated[
        bool,
        typer.Option(
            "--api-key-stdin", help="Read an API key from standard input, and keep it: for api_key: stored."
        ),
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Let another Kit account take the place of the present one.")
    ] = False,
) -> None:
    """Connect an account to Kit: print the address where its creator says yes, and keep what Kit grants.

    With --api-key-stdin, keep an API key instead.
    """
    settings = begin()
    if api_key_stdin:
        store_key(settings, account, replace=replace)
        return
    app = _app_of(settings, account)
    try:
        check_redirect_uri(redirect_uri)
        admission = run_async(_admission(settings, Arguments(app, account, redirect_uri, code)))
    except ConsentError as error:
        raise UsageError(str(error)) from error
    if admission is not None:
        done = _kept(settings, admission, replace=replace)
        warn_not_ended(done.not_ended)
        say(f"{account} is connected to {done.kit_name}; its workers notice within seconds.")


def _app_of(settings: Settings, account: str) -> OAuthApp:
    found = one_account(read_accounts(settings), account)
    if found.credential is None:
        raise UsageError(f"a secret of {account} is missing: see kit-worker check {account}")
    if isinstance(found.credential, StoredKey):
        raise UsageError(
            f"{found.path} says that an API key is stored: enter it on the page, or run kit-worker connect "
            f"{account} --api-key-stdin, with the key on standard input"
        )
    if not isinstance(found.credential, OAuthApp):
        raise UsageError(
            f"{found.path} names no app: write kit: {{oauth: {{client_id_env: KIT_CLIENT_ID}}}} there, in "
            "place of the key"
        )
    return found.credential


async def _admission(settings: Settings, asked: Arguments) -> Admission | None:
    """Ask; return nothing where somebody has to say yes first."""
    async with opened_ledger(settings) as ledger:
        consent = await _question(settings, asked, ledger)
        if asked.code is not None:
            granted: Granted | None = consent.pasted(asked.code)
        else:
            granted = await _consented(settings, consent)
        return await admitted(settings, consent, granted, ledger) if granted else None


async def _question(settings: Settings, asked: Arguments, ledger: Ledger) -> Consent:
    key = await _key_of(settings, ledger)
    return await question(key, asked.app, asked.account, asked.redirect_uri, ledger)


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
        say(f"{OPEN}\n\n{address}\n")
        option = f" --redirect-uri {consent.redirect_uri}"
        warn(f"The browser ends at {consent.redirect_uri}: {elsewhere}{option}.")
        return None
    async with waiting_for_callback(consent) as answer:
        say(f"{OPEN}\n\n{address}\n")
        warn(
            f"Waiting for {consent.redirect_uri} … Where the browser is on another machine, it ends at an "
            f"error: {elsewhere}."
        )
        try:
            async with asyncio.timeout(VALID_FOR):
                return await answer
        except TimeoutError:
            raise ConsentError(f"nobody said yes within {VALID_FOR / 60:.0f} minutes") from None


def _kept(settings: Settings, admission: Admission, *, replace: bool) -> LetIn:
    """Keep what was granted; whoever is connected by now gives way only after a question, or by `replace`.

    Nothing runs while it is asked, so that Ctrl-C ends the question.
    """
    try:
        try:
            return run_async(_keep(settings, admission))
        except OtherConnectionError as error:
            if not replace:
                _confirm(admission, error.connected)
            return run_async(_keep(settings, admission, error.connected))
    except OtherConnectionError as error:
        raise UsageError(
            f"{admission.consent.account} was connected by somebody else meanwhile; nothing was changed"
        ) from error
    except KitAccountTakenError as error:
        raise UsageError(
            f"{error}; one Kit account is one file, with a list of apps. If {error.owner} has no file "
            f"any more: kit-worker disconnect {error.owner}"
        ) from error


async def _keep(settings: Settings, admission: Admission, instead_of: Connected | None = None) -> LetIn:
    async with opened_ledger(settings) as ledger:
        return await keep(settings, admission, ledger, instead_of)


def _confirm(admission: Admission, before: Connected) -> None:
    """Return where the creator who said yes may take the place of another one."""
    account, since = admission.consent.account, datetime.fromtimestamp(before.at, UTC)
    text = (
        f"{account} is connected to another Kit account (number {before.kit_account}, since "
        f"{since:%Y-%m-%d}); who said yes just now is {admission.at_kit.name} (number {admission.at_kit.id})"
    )
    if not sys.stdin.isatty():
        raise UsageError(
            f"{text}. Nothing was changed: if that is meant, run the command again with --replace"
        )
    if not says_yes(f"{text}. Replace it?"):
        raise UsageError("nothing was changed")
