"""`kit-worker forget`: erase a person from ledger, history and dead letters."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import typer

from worker import dead_letters
from worker.accounts import load_accounts
from worker.commands.exits import UsageError
from worker.commands.ledger import opened_ledger
from worker.commands.output import AsJson, say, show, show_json, table
from worker.commands.people import an_address
from worker.commands.running import run_async
from worker.commands.starting import begin
from worker.errors import BrokerUnavailable
from worker.ledger.forgetting import Erased
from worker.ledger.forgetting import forget as erase
from worker.letter_person import AboutPerson
from worker.letters import DeadLetter
from worker.queues import connected
from worker.settings import Settings, environment


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
    erased = run_async(_erase_from_ledger(settings, address))
    letters: list[DeadLetter] = []
    try:
        run_async(_erase_dead_letters(settings, erased, letters))
    except BrokerUnavailable as error:
        _report(erased, letters, as_json=as_json)
        raise BrokerUnavailable(
            f"{error}; dead letters may be left: say it again, which does no harm"
        ) from error
    _report(erased, letters, as_json=as_json)


def _confirm(address: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{address} would be erased for good; say --yes")
    if not typer.confirm(f"Erase {address} from ledger, history and dead letters for good?", err=True):
        raise UsageError("nothing was erased")


async def _erase_from_ledger(settings: Settings, address: str) -> list[Erased]:
    names = load_accounts(settings.config_dir, environment()).names
    async with opened_ledger(settings) as ledger:
        erased = await erase(ledger, address, names)
        await ledger.database.purge()
        return erased


async def _erase_dead_letters(
    settings: Settings, erased: Iterable[Erased], letters: list[DeadLetter]
) -> None:
    async with connected(settings.amqp_url.get_secret_value(), "forget") as connection:
        for each in erased:
            person = AboutPerson(each.addresses, each.user_ids)
            await dead_letters.discard(connection, each.account, person, letters.append)


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
