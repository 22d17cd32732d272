"""`kit-worker forget`: erase a person from ledger, history and dead letters."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from typing import Annotated, Final

import typer

from worker import dead_letters
from worker.accounts import load_accounts
from worker.commands.exits import UsageError
from worker.commands.ledger import opened_ledger
from worker.commands.output import AsJson, say, show, show_json, table
from worker.commands.people import an_address
from worker.commands.running import run_async
from worker.commands.starting import begin
from worker.errors import BrokerUnavailable, KitWorkerError
from worker.ledger.forgetting import Erased
from worker.ledger.forgetting import forget as erase
from worker.ledger.registry import Registry
from worker.letter_person import AboutPerson
from worker.letters import DeadLetter
from worker.presence import POLL
from worker.queues import connected
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
    erased: list[Erased] = []
    letters: list[DeadLetter] = []
    try:
        unseen = run_async(_erase(settings, address, erased, letters))
    except KitWorkerError as error:
        if not erased:
            raise
        _report(erased, letters, as_json=as_json)
        raise BrokerUnavailable(f"{error}; {_left(erased)}") from error
    _report(erased, letters, as_json=as_json)
    if unseen:
        held = ", ".join(unseen)
        raise BrokerUnavailable(
            f"somebody else holds dead letters of {held}, which were not seen; {_left(erased)}"
        )


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


async def _erase(
    settings: Settings, address: str, erased: list[Erased], letters: list[DeadLetter]
) -> list[str]:
    """Erase a person; return the accounts of which somebody else holds dead letters.

    The broker comes first: once the ledger has forgotten, nobody could tell again what else to look for.
    """
    names = load_accounts(settings.config_dir, environment()).names
    unseen = []
    async with (
        opened_ledger(settings) as ledger,
        connected(settings.amqp_url.get_secret_value(), "forget") as connection,
    ):
        erased += await erase(ledger, address, names)
        if any(worker.live for worker in (await Registry(ledger, "kit-worker").overview()).workers):
            await asyncio.sleep(HEARD_WITHIN)
        for each in erased:
            person = AboutPerson(each.addresses, each.user_ids)
            if not await dead_letters.discard(connection, each.account, person, letters.append):
                unseen.append(each.account)
        await ledger.database.purge()
    return unseen


def _left(erased: Iterable[Erased]) -> str:
    known = sorted({sign for each in erased for sign in (*each.addresses, *each.user_ids)})
    return (
        f"the ledger has forgotten, but dead letters may be left that name {', '.join(known)}: "
        "look with kit-worker dead-letters export, and discard them with --id"
    )


def _report(erased: list[Erased], letters: list[DeadLetter], *, as_json: bool) -> None:
    rows = [
        (each.account, each.records, each.people, each.history, _count(letters, each.account))
        for each in erased
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
