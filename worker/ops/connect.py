"""Lets the worker into a Kit account, and takes it out again: what `connect` and `disconnect` do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from pydantic import SecretStr

from worker.errors import CredentialRefused, KitWorkerError, LedgerUnavailable
from worker.kit.access import KitAccess
from worker.kit.account import KitAccount, kit_account
from worker.kit.auth.consent import Consent, ConsentError, Granted, tenant_name
from worker.kit.auth.endpoint import GrantRefusedError, OAuthEndpoint
from worker.kit.auth.refresh import not_connected
from worker.kit.credentials import AccessToken, Credential, OAuthApp
from worker.ledger.connecting import Connected, TakenError
from worker.ledger.kit_accounts import KitAccounts
from worker.ledger.sealing import Seal
from worker.ledger.store import Ledger
from worker.ledger.tokens import KitConnection, Tokens, TokenStore
from worker.settings import Settings


class KitAccountTakenError(Exception):
    """Another account of this worker has the same account at Kit.

    Attributes:
        kit_name: What Kit calls the account.
        owner: Which account has it.
    """

    def __init__(self, kit_name: str, owner: str) -> None:
        super().__init__(f"{kit_name} is the Kit account of {owner} already")
        self.kit_name = kit_name
        self.owner = owner


@dataclass(frozen=True, slots=True)
class LetIn:
    """An account that is connected now.

    Attributes:
        kit_name: What Kit calls the account.
        not_ended: Why the access to the Kit account before this one goes on; empty where none does.
    """

    kit_name: str
    not_ended: str = ""


@dataclass(frozen=True, slots=True)
class LetOut:
    """An account that is not connected any more.

    Attributes:
        was_connected: Whether it was connected before.
        not_ended: Why its access at Kit goes on; empty where it does not.
        was_key: Whether it was an API key, which is good until somebody deletes it in Kit.
    """

    was_connected: bool
    not_ended: str = ""
    was_key: bool = False


@dataclass(frozen=True, slots=True)
class Admission:
    """What a creator granted, as tokens that nobody has kept yet.

    Attributes:
        consent: The question to which it is the answer.
        at_kit: The account that the tokens belong to.
    """

    consent: Consent
    tokens: Tokens
    at_kit: KitAccount


async def question(key: SecretStr, app: OAuthApp, account: str, redirect_uri: str, ledger: Ledger) -> Consent:
    """Return the question whether an app may use an account; see `Consent`.

    Raises:
        LedgerUnavailable: The ledger, which tells this installation from others, could not be used.
    """
    await ledger.ready()
    tenant = tenant_name(ledger.database.secret, account)
    return Consent(app, account, redirect_uri, key, tenant, ledger.clock)


async def admitted(settings: Settings, consent: Consent, granted: Granted, ledger: Ledger) -> Admission:
    """Exchange what a creator granted for tokens.

    Raises:
        ConsentError: Kit does not take what was granted.
        KitWorkerError: Kit does not answer, or not with tokens.
    """
    kit = KitAccess(settings, ledger)
    endpoint = kit.endpoint(consent.app)
    try:
        tokens = await endpoint.exchange(
            granted.code, redirect_uri=consent.redirect_uri, verifier=granted.verifier
        )
    except GrantRefusedError as error:
        raise ConsentError(
            "Kit does not take this code",
            "it works once, for some minutes, and with the same --redirect-uri; run the command again",
        ) from error
    credential = AccessToken(SecretStr(tokens.access_token))
    return Admission(consent, tokens, await account_behind(kit, consent.account, credential))


async def keep(
    settings: Settings, admission: Admission, ledger: Ledger, instead_of: Connected | None = None
) -> LetIn:
    """Keep tokens, in place of a connection that they shall replace.

    What is not kept is forgotten, and not revoked: that might end somebody else's access, too.

    Raises:
        KitAccountTakenError: The account at Kit belongs to another account of this worker.
        OtherConnectionError: The account is connected to another one at Kit, which was not named.
        LedgerUnavailable: They could not be kept.
    """
    account, at_kit = admission.consent.account, admission.at_kit
    endpoint = KitAccess(settings, ledger).endpoint(admission.consent.app)
    store = TokenStore(ledger, Seal(admission.consent.key))
    before = await _connection_before(store, account)
    try:
        await store.connect(account, admission.tokens, at_kit.id, endpoint.base_url, instead_of=instead_of)
    except TakenError as error:
        raise KitAccountTakenError(at_kit.name, str(error)) from error
    with suppress(LedgerUnavailable):  # the tokens are kept by now
        await KitAccounts(ledger).saw(account, at_kit.name, at_kit.plan)
    if before is None or before.connected != instead_of:
        return LetIn(at_kit.name)
    return LetIn(at_kit.name, await _revoked(endpoint, before))


async def let_out(settings: Settings, account: str, app: OAuthApp | None, ledger: Ledger) -> LetOut:
    """End an account's access at Kit, and forget its tokens, or its API key, in any case.

    Args:
        settings: Where Kit and the key of the tokens are.
        account: Its name.
        app: What its file names; None where there is no such file, or it names none.
        ledger: Where the tokens are.

    Raises:
        LedgerUnavailable: The ledger could not be used; what it holds may still be there.
    """
    store = TokenStore(ledger, Seal(settings.ledger_key) if settings.ledger_key else None)
    if account not in await store.connected():
        return LetOut(was_connected=False)
    done = await _end_access(KitAccess(settings, ledger), store, account, app)
    await store.disconnect(account)
    await KitAccounts(ledger).drop(account)
    return done


async def _end_access(kit: KitAccess, store: TokenStore, account: str, app: OAuthApp | None) -> LetOut:
    """End an account's access at Kit, where that can be done from here; tell how that went."""
    try:
        connection = await store.load(account)
    except CredentialRefused as error:
        return LetOut(was_connected=True, not_ended=str(error))
    if connection is None:
        return LetOut(was_connected=True, was_key=True)
    # Before Kit refuses the tokens: no worker is to find out by that, and to call it a loss.
    await store.must_connect(account, connection.version, not_connected(account))
    why = f"no valid file of {account} names the app"
    if app is not None:
        why = await _revoked(kit.endpoint(app), connection)
    return LetOut(was_connected=True, not_ended=why)


async def _revoked(endpoint: OAuthEndpoint, connection: KitConnection) -> str:
    """End an access at Kit; return why it goes on, or nothing where it has ended."""
    if connection.kit_url != endpoint.base_url:
        return f"it was connected at {connection.kit_url}, and KIT_BASE_URL is {endpoint.base_url}"
    try:
        await endpoint.revoke(connection.tokens.refresh_token)
    except KitWorkerError as error:
        return str(error)
    return ""


async def _connection_before(store: TokenStore, account: str) -> KitConnection | None:
    with suppress(CredentialRefused):  # its key is gone, which may be why it is connected again
        return await store.load(account)
    return None


async def account_behind(kit: KitAccess, account: str, credential: Credential) -> KitAccount:
    """Return the account at Kit that a credential opens, which nobody has kept yet; raises as a call does."""
    async with kit.client(account, credential) as client:
        return await kit_account(client)
