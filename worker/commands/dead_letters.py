"""`kit-worker dead-letters …`: what could not be applied."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer

from worker.accounts.load import load_accounts
from worker.broker.connection import Connection
from worker.broker.publisher import Publisher
from worker.broker.queues import connected, queue_state
from worker.broker.topology import Topology, dead_letter_queue
from worker.commands.common import begin, run_async, says_yes, unknown_account
from worker.commands.dead_letters_view import print_line, show_letters, show_listings, show_moved
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say
from worker.commands.progress import Counted, Steps, progress
from worker.dead_letters import operations, renewing
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.listing import Listing, look
from worker.dead_letters.reader import EVERYTHING, Selection
from worker.settings import Settings, environment

app = typer.Typer(
    no_args_is_help=True, help="What could not be applied: list, show, replay, discard, export."
)

OfAccount = Annotated[
    str | None, typer.Option("--account", help="Of this account. Default: of all with a file.")
]
Reasons = Annotated[list[str] | None, typer.Option("--reason", help="With this reason. Repeatable.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Of this event type. Repeatable.")]
Ids = Annotated[
    list[str] | None, typer.Option("--id", help="With this id, its own or its event's. Repeatable.")
]
All = Annotated[bool, typer.Option("--all", help="All; has to be said where nothing else selects.")]


@app.command("list")
def list_(  # one for each option
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    limit: Annotated[int, typer.Option(help="Name the newest so many one by one; 0 for all.", min=0)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show dead letters, grouped by reason and one by one. They stay where they are."""
    dead_letters, selection = _DeadLetters(account), _selection(reason, type_, id_)
    with progress("looking through dead letters", hidden=as_json) as steps:
        listings = run_async(dead_letters.look(selection, steps))
    show_listings(listings, limit, as_json=as_json)


@app.command()
def show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The dead letter's id, or its event's.")],
    account: OfAccount = None,
    as_json: AsJson = False,
) -> None:
    """Show all there is to know of one dead letter, people's data included."""
    found: list[DeadLetter] = []
    with progress("looking through dead letters", hidden=as_json) as steps:
        run_async(_DeadLetters(account).read(Selection(ids=frozenset({id_})), found.append, steps))
    if not found:
        raise UsageError(f"there is no dead letter with the id {id_}")
    show_letters(found, as_json=as_json)


@app.command()
def replay(  # one for each option
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    all_: All = False,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into the work queue, oldest first. None is lost, whatever fails meanwhile.

    What newer events did to the same people stays: a replayed event applies only what is still newest.
    """
    selection = _chosen(reason, type_, id_, all_=all_)
    dead_letters = _DeadLetters(account)
    _and_report(lambda *how: dead_letters.replay(selection, *how), "replayed", as_json=as_json)


@app.command()
def discard(  # noqa: PLR0913  # one for each option
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    all_: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for good."""
    selection = _chosen(reason, type_, id_, all_=all_)
    dead_letters = _DeadLetters(account)
    among: dict[str, int] = {}
    if not yes:
        with progress("looking through dead letters", hidden=as_json) as steps:
            listings = run_async(dead_letters.look(selection, steps))
        among = _confirmed(listings)
    _and_report(lambda *how: dead_letters.discard(selection, among, *how), "discarded", as_json=as_json)


@app.command()
def export(account: OfAccount = None, reason: Reasons = None, type_: Types = None, id_: Ids = None) -> None:
    """Print dead letters as JSON lines, with body, headers and reason. They stay where they are."""
    # On a terminal the lines themselves show how far it has come.
    with progress("exporting dead letters", hidden=sys.stdout.isatty()) as steps:
        run_async(_DeadLetters(account).read(_selection(reason, type_, id_), print_line, steps))


@app.command()
def renew(account: OfAccount = None) -> None:
    """Make dead-letter queues of an earlier version anew, with all that is in them. Workers may go on."""
    with progress("making dead-letter queues anew") as steps:
        renewed = run_async(_DeadLetters(account).renew(steps))
    for name, count in renewed.items():
        say(f"{dead_letter_queue(name)} is made anew; it holds what it held: {count}.")


# -- what is selected -------------------------------------------------------------------------------------


def _selection(reasons: list[str] | None, types: list[str] | None, ids: list[str] | None) -> Selection:
    return Selection(frozenset(reasons or ()), frozenset(types or ()), frozenset(ids or ()))


def _chosen(
    reasons: list[str] | None, types: list[str] | None, ids: list[str] | None, *, all_: bool
) -> Selection:
    selection = _selection(reasons, types, ids)
    if selection == EVERYTHING and not all_:
        raise UsageError("say which dead letters: with --reason, --type or --id, or else --all")
    return selection


def _confirmed(listings: list[Listing]) -> dict[str, int]:
    """Ask, and return by account how many were looked at: what comes in meanwhile was not asked about."""
    count = sum(listing.matching for listing in listings)
    what = ", ".join(
        f"{group.count} of {group.account} ({group.reason})" for each in listings for group in each.groups
    )
    if count and not sys.stdin.isatty():
        raise UsageError(f"these dead letters would be deleted for good: {what}; say --yes")
    if count and not says_yes(f"Delete these dead letters for good: {what}?"):
        raise UsageError("nothing was deleted")
    return {listing.account: listing.looked_at for listing in listings}


def _and_report(
    work: Callable[[Callable[[DeadLetter], None], Steps], Coroutine[Any, Any, None]],
    verb: str,
    *,
    as_json: bool,
) -> None:
    """Do something to dead letters, and say to which, also when it ends half-way."""
    done: list[DeadLetter] = []
    try:
        with progress(f"dead letters looked at, to be {verb}", hidden=as_json) as steps:
            run_async(work(done.append, steps))
    finally:
        show_moved(done, verb, as_json=as_json)


# -- in the broker ----------------------------------------------------------------------------------------


class _DeadLetters:
    """The accounts in question, and the operations over them, each on connections of its own."""

    def __init__(self, account: str | None) -> None:
        self._settings = begin()
        self._known = sorted(load_accounts(self._settings.config_dir, environment()).names)
        # One that is named need not have a file: its queues outlive it.
        self._accounts = self._known if account is None else [account]
        if not self._accounts:
            raise UsageError(f"there are no files in {self._settings.config_dir / 'accounts'}: say --account")

    async def look(self, selection: Selection, steps: Steps) -> list[Listing]:
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection:
            return [await look(connection, account, counted) for account in self._accounts]

    async def read(self, selection: Selection, take: Callable[[DeadLetter], None], steps: Steps) -> None:
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection:
            for account in self._accounts:
                async for letter in operations.whole_letters(connection, account, counted):
                    take(letter)

    async def replay(self, selection: Selection, done: Callable[[DeadLetter], None], steps: Steps) -> None:
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection, _connected(self._settings) as publishing:
            publisher = Publisher(publishing)
            for account in self._accounts:
                await operations.replay(connection, publisher, account, counted, done)

    async def discard(
        self, selection: Selection, among: dict[str, int], done: Callable[[DeadLetter], None], steps: Steps
    ) -> None:
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection:
            for account in self._accounts:
                at_most = among.get(account)
                await operations.discard(connection, account, counted, done, among=at_most)

    async def renew(self, steps: Steps) -> dict[str, int]:
        async with self._connection(Steps()) as connection, _connected(self._settings) as publishing:
            topology = Topology(connection, self._settings.events_exchange)
            publisher = Publisher(publishing)
            steps.expect(len(self._accounts))
            return {
                name: await renewing.renew(connection, publisher, topology, name)
                for name in steps.over(self._accounts)
            }

    @asynccontextmanager
    async def _connection(self, steps: Steps) -> AsyncIterator[Connection]:
        """Hold a connection; the steps are the dead letters that there are."""
        async with _connected(self._settings) as connection:
            for account in self._accounts:
                state = await queue_state(connection, dead_letter_queue(account))
                if account not in self._known and not state:
                    raise unknown_account(account, self._known)
                steps.expect(state.ready if state else 0)
            yield connection


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Connection]:
    async with connected(settings.amqp_url.get_secret_value(), "dead-letters") as connection:
        yield connection
