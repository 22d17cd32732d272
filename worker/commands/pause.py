"""`kit-worker pause` and `kit-worker resume`: pause one account, on whichever worker has it."""

from __future__ import annotations

from worker.accounts.load import load_accounts
from worker.commands.common import AccountName, begin, opened_ledger, run_async, unknown_account
from worker.commands.output import say
from worker.ledger.registry import Registry
from worker.settings import Settings, environment


def pause(account: AccountName) -> None:
    """Pause an account: within 5 s no worker begins anything of it. Its events wait in RabbitMQ."""
    since_before = run_async(_set(begin(), account, paused=True))
    say(
        f"{account} was paused already."
        if since_before
        else f"{account} is paused; kit-worker resume {account} lets it go on."
    )


def resume(account: AccountName) -> None:
    """Let a paused account go on."""
    was_paused = run_async(_set(begin(), account, paused=False))
    say(f"{account} goes on." if was_paused else f"{account} was not paused.")


async def _set(settings: Settings, account: str, *, paused: bool) -> bool:
    """Pause or resume; tell whether it was paused before."""
    async with opened_ledger(settings) as ledger:
        registry = Registry(ledger, "kit-worker")
        before = await registry.paused()
        known = {*load_accounts(settings.config_dir, environment()).names, *before}
        if account not in known:
            # The workers may have other files than this machine.
            overview = await registry.overview()
            known |= {name for worker in overview.workers for name in worker.accounts}
        if account not in known:
            raise unknown_account(account, known)
        await (registry.pause(account) if paused else registry.resume(account))
        return account in before
