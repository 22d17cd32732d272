"""`kit-worker remove`: delete the queues of an account that has no file any more."""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import typer

from worker.accounts.load import load_accounts
from worker.broker.queues import QueueState, connected, delete_exchange, delete_queue, queue_state
from worker.broker.sentinel import sentinel
from worker.broker.topology import DEAD_LETTER_EXCHANGE, archive_queue, dead_letter_queue, work_queue
from worker.commands.common import begin, opened_ledger, run_async
from worker.commands.disconnect import warn_what_goes_on
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show_json, warn
from worker.ledger.connecting import let_go
from worker.ledger.counts import drop_counts
from worker.ledger.database import Database
from worker.ledger.drift import DriftRuns
from worker.ledger.journal import Journal
from worker.ledger.letter_index import LetterIndex
from worker.ledger.newest import drop_newest
from worker.ledger.plans import Plans
from worker.ledger.taggings import drop_taggings
from worker.ledger.timers import Timers
from worker.ledger.versions import Versions
from worker.ops.connect import let_out
from worker.settings import Settings, environment

Dropped: TypeAlias = list[tuple[int, str]]
LINKS: Final = (
    "kit-worker: whoever has a link to the page of {account} comes into a new account of that name, until "
    "the link ends; before you make one, give the page another PAGE_SECRET, which ends all links and sessions"
)


def remove(
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="An account whose file is gone.")],
    force: Annotated[
        bool, typer.Option("--force", help="Although they hold messages, which are lost.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Delete the queues of a removed account, and what the ledger keeps to do, and to show, of it."""
    settings = begin()
    if account in load_accounts(settings.config_dir, environment()).names:
        raise UsageError(
            f"{account} still has its file: delete it first, or the worker goes on using the queues"
        )
    deleted, dropped = run_async(_remove(settings, account, force=force))
    warn(LINKS.format(account=account))
    if as_json:
        show_json([{"queue": queue, "messages": count} for queue, count in deleted.items()])
        return
    for queue, count in deleted.items():
        say(f"{queue} is deleted{f', and {count} messages with it' if count else ''}.")
    for count, what in dropped:
        say(f"{count} {what} dropped.")


async def _remove(settings: Settings, account: str, *, force: bool) -> tuple[dict[str, int], Dropped]:
    """Return the queues that are gone, with how many messages, and what the ledger dropped."""
    async with connected(settings.amqp_url.get_secret_value(), "remove") as connection:
        names = (work_queue(account), dead_letter_queue(account), archive_queue(account))
        found = {name: state for name in names if (state := await queue_state(connection, name))}
        if not force:
            _refuse_if_in_use(found)
        dropped = await _drop(settings, account)
        if not (found or dropped):
            raise UsageError(f"the broker has no queue {work_queue(account)}; there is nothing to remove")
        deleted = {name: await delete_queue(connection, name) for name in found}
        fed = zip(names, (settings.events_exchange, DEAD_LETTER_EXCHANGE), strict=False)
        for name, exchange in fed:
            await delete_exchange(connection, sentinel(name, exchange))
        return deleted, dropped


async def _drop(settings: Settings, account: str) -> Dropped:
    """Drop what nobody would ever publish or look at any more; return how much of what that was."""
    if not await Database(settings.ledger_url.get_secret_value()).version():
        return []  # without a ledger nothing is
    async with opened_ledger(settings) as ledger:
        done = await let_out(settings, account, None, ledger)
        await drop_counts(ledger.database, account)
        await drop_newest(ledger.database, account)
        await DriftRuns(ledger).drop(account)
        counted = (
            (int(done.was_connected), "API key, or connection to Kit, is"),
            (int(await let_go(ledger.database, account)), "claim to a Kit account is"),
            (await Timers(ledger).drop(account), "effects that were to come later are"),
            (await Journal(ledger).drop(account), "lines of the journal are"),
            (await Versions(ledger).drop(account), "old versions of its file are"),
            (await LetterIndex(ledger).drop(account), "dead letters in the index are"),
            (await Plans(ledger).drop(account), "plans to bring people under its file are"),
            (await drop_taggings(ledger.database, account), "held taggings are"),
        )
    warn_what_goes_on(done)
    return [(count, what) for count, what in counted if count]


def _refuse_if_in_use(queues: dict[str, QueueState]) -> None:
    """Refuse while anything would be lost. Quorum queues do not know RabbitMQ's own `if-empty`."""
    for name, state in queues.items():
        if state.ready:
            raise UsageError(
                f"{name} holds {state.ready} messages, which would be lost; --force deletes them"
            )
        if state.consumers:
            raise UsageError(
                f"{name} is still consumed, so messages may be in hand; wait until every worker has seen "
                "that the file is gone, or say --force"
            )
