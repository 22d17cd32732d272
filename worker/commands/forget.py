"""`kit-worker forget`: erase a person from ledger, history and dead letters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Final

import typer

from worker.accounts.load import load_accounts
from worker.broker.queues import connected
from worker.commands.common import an_address, begin, opened_ledger, run_async
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say, show, show_json, table, warn
from worker.dead_letters import operations
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.person import AboutPerson
from worker.errors import BrokerUnavailable, KitWorkerError, LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.forgetting import Erased
from worker.ledger.forgetting import forget as erase
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ops.presence import POLL
from worker.settings import Settings, environment

HEARD_WITHIN: Final = POLL + 1.0
"""Seconds after which no worker does anything more for the person, nor adds another dead letter."""


def forget(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="An address of the person.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person from ledger, history and dead letters, under every address the person had.

    What stays is a keyed hash with the time, so that a late copy of an older event does not bring the person
    back. Kit itself, backups and logs are not touched.
    """
    address = an_address(email)
    settings = begin()
    _confirm(address, yes=yes)
    done = _Done(address)
    try:
        run_async(_erase(settings, done))
    except (KitWorkerError, KeyboardInterrupt) as error:
        if not done.erased:
            raise
        _report(done, as_json=as_json)
        interrupted = isinstance(error, KeyboardInterrupt)
        text = "; ".join(["interrupted" if interrupted else str(error), *_left(done)])
        if interrupted:
            warn(f"kit-worker: {text}")
            raise
        raise BrokerUnavailable(text) from error
    _report(done, as_json=as_json)
    if left := _left(done):
        raise BrokerUnavailable("; ".join(left)) if done.unseen else LedgerUnavailable("; ".join(left))


@dataclass(slots=True)
class _Done:
    """How far it has come.

    Attributes:
        letters: The dead letters that are gone.
        searched: Whether all accounts' dead letters were looked through, as far as one could.
        unseen: Accounts of which somebody else holds dead letters.
        readable: Files in which what was erased may still be found.
        why: Why that is so.
    """

    address: str
    erased: list[Erased] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    searched: bool = False
    unseen: list[str] = field(default_factory=list)
    readable: str = ""
    why: str = ""


def _confirm(address: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{address} would be erased for good; say --yes")
    try:
        sure = typer.confirm(f"Erase {address} from ledger, history and dead letters for good?", err=True)
    except typer.Abort:
        raise KeyboardInterrupt from None  # Ctrl-C, which is no bug
    if not sure:
        raise UsageError("nothing was erased")


async def _erase(settings: Settings, done: _Done) -> None:
    """Erase a person.

    The broker comes first: once the ledger has forgotten, nobody could tell again what else to look for.
    """
    names = load_accounts(settings.config_dir, environment()).names
    async with (
        opened_ledger(settings) as ledger,
        connected(settings.amqp_url.get_secret_value(), "forget") as connection,
    ):
        await _erase_records(ledger, names, done)
        await _purge(ledger.database, done)
        if any(worker.live for worker in (await Registry(ledger, "kit-worker").overview()).workers):
            await asyncio.sleep(HEARD_WITHIN)
        for each in done.erased:
            person = AboutPerson(each.addresses, each.user_ids)
            if not await operations.discard(connection, each.account, person, done.letters.append):
                done.unseen.append(each.account)
        done.searched = True


async def _erase_records(ledger: Ledger, names: Collection[str], done: _Done) -> None:
    """Erase from the ledger; whoever ends this meanwhile waits until it is known what was erased."""

    async def work() -> None:
        done.erased += await erase(ledger, done.address, names)
        if ledger.database.is_sqlite:
            done.readable = f"{ledger.database.name} and {ledger.database.name}-wal"

    working = asyncio.ensure_future(work())
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise


async def _purge(database: Database, done: _Done) -> None:
    """Let nothing that was erased be readable; a failure holds up nothing else."""
    try:
        await database.purge()
    except LedgerUnavailable as error:
        done.why = str(error)
    else:
        done.readable = ""


def _left(done: _Done) -> list[str]:
    """Return what may be left, and what to do about it, in parts of one sentence."""
    said = []
    if done.unseen:
        said.append(f"somebody else holds dead letters of {', '.join(done.unseen)}, which were not seen")
    if done.unseen or not done.searched:
        known = sorted({sign for each in done.erased for sign in (*each.addresses, *each.user_ids)})
        said.append(
            f"the ledger has forgotten, but dead letters may be left that name {', '.join(known)}: "
            "look with kit-worker dead-letters export, and discard them with --id"
        )
    if done.readable:
        said += [done.why] if done.why else []
        said.append(
            f"what was erased may still be readable in {done.readable} until you run kit-worker forget "
            f"{done.address} again"
        )
    return said


def _report(done: _Done, *, as_json: bool) -> None:
    rows = [
        (each.account, each.records, each.people, each.history, _count(done.letters, each.account))
        for each in done.erased
    ]
    keys = ("account", "records", "user_ids", "history", "dead_letters")
    if as_json:
        show_json([dict(zip(keys, row, strict=True)) for row in rows])
        return
    found = [row for row in rows if any(row[1:])]
    if not found:
        say("Nothing was found to erase. Events of this address up to now will be ignored.")
        return
    headings = ("Account", "Records", "User ids", "Lines of history", "Dead letters")
    show(table(headings, [[str(cell) for cell in row] for row in found]))
    say("That is erased. Events of this person up to now will be ignored; Kit itself was not touched.")


def _count(letters: Iterable[DeadLetter], account: str) -> int:
    return sum(letter.account == account for letter in letters)
