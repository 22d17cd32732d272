"""`kit-worker connect` and `kit-worker disconnect`: let the worker into a Kit account, and out again."""

from __future__ import annotations

import asyncio
import secrets
import time
from contextlib import AsyncExitStack
from typing import Annotated, Final

import typer
from pydantic import SecretStr

from worker.accounts import OAuthApp, load_accounts
from worker.callback import waiting_for_callback
from worker.clock import awake_or_not
from worker.commands.choosing import one_account
from worker.commands.exits import UsageError
from worker.commands.ledger import opened_ledger
from worker.commands.output import say, warn
from worker.commands.running import run_async
from worker.commands.starting import begin
from worker.connections import Tokens
from worker.errors import CredentialRefused, KitWorkerError
from worker.kit.client import KitClient
from worker.kit.consent import Consent, ConsentError, Granted
from worker.kit.limiter import Limiter
from worker.kit.login import token_login
from worker.kit.oauth import GrantRefusedError, OAuthEndpoint
from worker.ledger.sealing import Seal, new_key
from worker.ledger.tokens import TokenStore
from worker.settings import Settings, environment

REDIRECT_URI: Final = "http://localhost:8976/callback"
PATIENCE: Final = 600.0
"""Seconds in which somebody has to say yes."""

Named = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account, whose file has kit: {oauth: …}.")]


def connect(
    account: Named,
    *,
    code: Annotated[
        str,
        typer.Option(help="Without a browser here: the address at which one elsewhere ended."),
    ] = "",
    redirect_uri: Annotated[
        str, typer.Option(help="Where Kit sends the browser; the app at Kit must know this address.")
    ] = REDIRECT_URI,
) -> None:
    """Connect an account to Kit: print the address where its creator says yes, and keep what Kit grants."""
    settings = begin()
    app = _app_of(settings, account)
    consent = Consent(app, account, redirect_uri, _key_of(settings))
    try:
        name = run_async(_connect(settings, consent, code))
    except ConsentError as error:
        raise UsageError(str(error)) from error
    say(f"{account} is connected to {name}; its workers notice within seconds.")


def disconnect(account: Named) -> None:
    """Take the worker out of an account: end its access at Kit, and forget the tokens."""
    settings = begin()
    app = _app_of(settings, account)
    _key_of(settings)
    was_connected = run_async(_disconnect(settings, account, app))
    say(f"{account} is no longer connected." if was_connected else f"{account} was not connected.")


def _app_of(settings: Settings, account: str) -> OAuthApp:
    found = one_account(load_accounts(settings.config_dir, environment()), account)
    if found.credential is None:
        raise UsageError(f"the client id or secret of {account} is missing: see kit-worker check {account}")
    if not isinstance(found.credential, OAuthApp):
        raise UsageError(
            f"{found.path} names no app: write kit: {{oauth: {{client_id_env: KIT_CLIENT_ID}}}} there, in "
            "place of the key"
        )
    return found.credential


def _key_of(settings: Settings) -> SecretStr:
    if settings.ledger_key is None:
        raise UsageError(
            "LEDGER_KEY is not set; tokens are encrypted with it. Set it for all workers and commands, for "
            f"example in .env, to this new one, and keep a copy:\nLEDGER_KEY={new_key()}"
        )
    return settings.ledger_key


async def _connect(settings: Settings, consent: Consent, code: str) -> str:
    """Connect; return the name of Kit's account."""
    async with opened_ledger(settings) as ledger:
        granted = consent.read(code) if code else await _consented(settings, consent)
        endpoint = _endpoint(settings, consent.app)
        try:
            tokens = await endpoint.exchange(
                granted.code, redirect_uri=consent.redirect_uri, verifier=granted.verifier
            )
        except GrantRefusedError as error:
            raise ConsentError("Kit does not take this code: it works once, and for some minutes") from error
        kit_account, name = await _account_of(settings, tokens)
        store = TokenStore(ledger, Seal(_key_of(settings)))
        if others := await store.connected_to(kit_account) - {consent.account}:
            await endpoint.revoke(tokens.refresh_token)
            raise UsageError(
                f"{name} is the account of {', '.join(sorted(others))} already; one Kit account is one file, "
                "with a list of apps"
            )
        await store.connect(consent.account, tokens, kit_account)
        return name


async def _consented(settings: Settings, consent: Consent) -> Granted:
    async with AsyncExitStack() as stack:
        answer = await stack.enter_async_context(waiting_for_callback(consent))
        address = consent.address(settings.kit_base_url, secrets.token_urlsafe(16))
        say(f"Open this address in a browser, as the creator of the account:\n\n{address}\n")
        warn(
            f"Waiting for {consent.redirect_uri} … With a browser on another machine: let it end there at an "
            f"error, copy its address, and run kit-worker connect {consent.account} --code 'THAT ADDRESS'."
        )
        try:
            async with asyncio.timeout(PATIENCE):
                return await answer
        except TimeoutError:
            raise ConsentError(f"nobody said yes within {PATIENCE / 60:.0f} minutes") from None


async def _account_of(settings: Settings, tokens: Tokens) -> tuple[int, str]:
    client = KitClient(
        base_url=settings.kit_base_url,
        login=token_login(SecretStr(tokens.access_token)),
        limiter=Limiter(OAuthApp.limit, clock=awake_or_not),
        timeout=settings.kit_timeout,
        clock=awake_or_not,
    )
    async with client:
        answer = await client.get("/v4/account")
        return answer.id_of("account"), str(answer.item("account").get("name") or "an account without a name")


async def _disconnect(settings: Settings, account: str, app: OAuthApp) -> bool:
    async with opened_ledger(settings) as ledger:
        store = TokenStore(ledger, Seal(_key_of(settings)))
        try:
            connection = await store.load(account)
        except CredentialRefused as error:
            warn(f"kit-worker: {error}; so its access at Kit was not ended")
            connection = None
            known = True
        else:
            known = connection is not None
        if connection is not None:
            await _revoke(_endpoint(settings, app), connection.tokens.refresh_token)
        await store.disconnect(account)
        return known


async def _revoke(endpoint: OAuthEndpoint, token: str) -> None:
    try:
        await endpoint.revoke(token)
    except KitWorkerError as error:
        warn(f"kit-worker: its access at Kit was not ended ({error}); remove the app in Kit's settings")


def _endpoint(settings: Settings, app: OAuthApp) -> OAuthEndpoint:
    return OAuthEndpoint(settings.kit_base_url, app, timeout=settings.kit_timeout, wall=time.time)
