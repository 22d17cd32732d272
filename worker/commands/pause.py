"""`kit-worker pause` and `kit-worker resume`: pause one account, on whichever worker has it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Final

import typer

from worker.accounts.load import load_accounts
from worker.commands.common import AccountName, begin, opened_ledger, run_async, unknown_account
from worker.commands.exits import UsageError
from worker.commands.output import moment_text, say
from worker.ledger.pauses import Pause
from worker.ledger.registry import Registry
from worker.settings import Settings, environment

_UNITS: Final = {"min": "minutes", "h": "hours", "d": "days"}
_LENGTH: Final = re.compile(rf"([1-9][0-9]{{0,4}})({'|'.join(_UNITS)})")


def pause(
    account: AccountName,
    *,
    reason: Annotated[str, typer.Option(help="Why, for whoever sees that it rests.")] = "",
    lasts: Annotated[
        str, typer.Option("--for", metavar="TIME", help="It goes on by itself after 30min, 2h, 1d.")
    ] = "",
    until: Annotated[
        str, typer.Option(metavar="WHEN", help="It goes on by itself then: 2026-12-24T18:00Z.")
    ] = "",
) -> None:
    """Pause an account: within 5 s no worker begins anything of it. Its events wait in RabbitMQ."""
    say(run_async(_pause(begin(), account, reason, _end(lasts, until))))


def resume(account: AccountName) -> None:
    """Let a paused account go on."""
    was_paused = run_async(_resume(begin(), account))
    say(f"{account} goes on." if was_paused else f"{account} was not paused.")


def _end(lasts: str, until: str) -> timedelta | datetime | None:
    """Return when a pause ends, or how long it lasts.

    Raises:
        UsageError: It is neither.
    """
    if lasts and until:
        raise UsageError("--for and --until say the same: give one of them")
    if lasts:
        found = _LENGTH.fullmatch(lasts)
        if found is None:
            raise UsageError(f"--for {lasts}: write it as 30min, 2h or 1d")
        return timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not until:
        return None
    try:
        return datetime.fromisoformat(until).astimezone()  # without an offset it is this machine's time
    except (ValueError, OverflowError) as error:
        raise UsageError(f"--until {until}: write it as 2026-12-24T18:00Z") from error


async def _pause(settings: Settings, account: str, reason: str, end: timedelta | datetime | None) -> str:
    """Pause; return what is so then. Who is paused stays so, with another reason and end if one is given."""
    async with opened_ledger(settings) as ledger:
        registry = Registry(ledger, "kit-worker")
        before, now = await _pause_of(registry, settings, account), await registry.now()
        if before is not None and not (reason or end):
            return f"{account} was paused already."
        until = end.timestamp() if isinstance(end, datetime) else _after(now, end)
        if until is not None and until <= now:
            raise UsageError(f"--until {moment_text(until)} is over")
        await registry.pause(account, reason, until=until)
        ends = f"; it goes on by itself at {moment_text(until)}" if until is not None else ""
        return f"{account} is paused{ends}; kit-worker resume {account} lets it go on."


def _after(now: float, lasts: timedelta | None) -> float | None:
    return None if lasts is None else now + lasts.total_seconds()


async def _resume(settings: Settings, account: str) -> bool:
    """Resume; tell whether it was paused before."""
    async with opened_ledger(settings) as ledger:
        registry = Registry(ledger, "kit-worker")
        before = await _pause_of(registry, settings, account)
        await registry.resume(account)
        return before is not None


async def _pause_of(registry: Registry, settings: Settings, account: str) -> Pause | None:
    """Return how an account is paused.

    Raises:
        UsageError: There is no such account.
    """
    paused = await registry.paused()
    known = {*load_accounts(settings.config_dir, environment()).names, *paused}
    if account not in known:
        # The workers may have other files than this machine.
        overview = await registry.overview()
        known |= {name for worker in overview.workers for name in worker.accounts}
    if account not in known:
        raise unknown_account(account, known)
    return paused.get(account)
