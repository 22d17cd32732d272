"""`kit-worker disconnect`: takes the worker out of a Kit account."""

from __future__ import annotations

from dataclasses import replace

from worker.accounts.load import Loaded
from worker.commands.common import (
    AccountName,
    begin,
    opened_ledger,
    read_accounts,
    run_async,
    unknown_account,
)
from worker.commands.output import say, warn, warn_not_ended
from worker.kit.credentials import OAuthApp
from worker.ledger.connecting import let_go
from worker.ops.connect import LetOut, let_out
from worker.settings import Settings


def disconnect(account: AccountName) -> None:
    """Take the worker out of an account: end its access at Kit, and forget the tokens, or the API key."""
    settings = begin()
    loaded = read_accounts(settings)
    done = run_async(_disconnect(settings, loaded, account))
    warn_what_goes_on(done)
    say(f"{account} is no longer connected." if done.was_connected else f"{account} was not connected.")


async def _disconnect(settings: Settings, loaded: Loaded, account: str) -> LetOut:
    """Also for an account whose file, app or key is gone."""
    credential = loaded.accounts[account].credential if account in loaded.accounts else None
    app = credential if isinstance(credential, OAuthApp) else None
    async with opened_ledger(settings) as ledger:
        done = await let_out(settings, account, app, ledger)
        if account not in loaded.names:
            freed = await let_go(ledger.database, account)  # while it has a file, its workers may be writing
            done = replace(done, was_connected=done.was_connected or freed)
    if not done.was_connected and account not in loaded.names:
        raise unknown_account(account, loaded.names)
    return done


def warn_what_goes_on(done: LetOut) -> None:
    """Say what is still good at Kit, and what to do."""
    warn_not_ended(done.not_ended)
    if done.was_key:
        warn("kit-worker: the API key stays good until it is deleted in Kit (Settings, Developer)")
