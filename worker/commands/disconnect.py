"""`kit-worker disconnect`: takes the worker out of a Kit account."""

from __future__ import annotations

from worker.accounts.load import Loaded, load_accounts
from worker.commands.choosing import unknown_account
from worker.commands.kit_access import Named, not_ended, revoke
from worker.commands.ledger import opened_ledger
from worker.commands.output import say
from worker.commands.running import run_async
from worker.commands.starting import begin
from worker.errors import CredentialRefused
from worker.kit.access import KitAccess
from worker.kit.auth.refresh import not_connected
from worker.kit.credentials import OAuthApp
from worker.ledger.sealing import Seal
from worker.ledger.tokens import Connection, TokenStore
from worker.settings import Settings, environment


def disconnect(account: Named) -> None:
    """Take the worker out of an account: end its access at Kit, and forget the tokens."""
    settings = begin()
    loaded = load_accounts(settings.config_dir, environment())
    was_connected = run_async(_disconnect(settings, loaded, account))
    say(f"{account} is no longer connected." if was_connected else f"{account} was not connected.")


async def _disconnect(settings: Settings, loaded: Loaded, account: str) -> bool:
    """Forget the tokens in any case; also those of an account whose file, app or key is gone."""
    async with opened_ledger(settings) as ledger:
        store = TokenStore(ledger, Seal(settings.ledger_key) if settings.ledger_key else None)
        if account not in await store.connected():
            if account not in loaded.names:
                raise unknown_account(account, loaded.names)
            return False
        try:
            connection = await store.load(account)
        except CredentialRefused as error:
            not_ended(str(error))
        else:
            if connection is not None:
                await _end(KitAccess(settings, ledger), loaded, account, store, connection)
        await store.disconnect(account)
        return True


async def _end(
    kit: KitAccess, loaded: Loaded, account: str, store: TokenStore, connection: Connection
) -> None:
    # Before Kit refuses the tokens: no worker is to find out by that, and to call it a loss.
    await store.must_connect(account, connection.version, not_connected(account))
    app = loaded.accounts[account].credential if account in loaded.accounts else None
    if isinstance(app, OAuthApp):
        await revoke(kit.endpoint(app), connection)
    else:
        not_ended(f"no valid file of {account} names the app")
