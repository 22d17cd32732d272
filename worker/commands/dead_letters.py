"""`kit-worker dead-letters …`: what could not be applied."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final

import typer

from worker.accounts.file.values import suggestion
from worker.broker.topology import dead_letter_queue
from worker.commands.common import run_async, says_yes
from worker.commands.dead_letters_of import DeadLettersOf, Told
from worker.commands.dead_letters_view import print_line, show_letters, show_listings, show_moved
from worker.commands.exits import UsageError
from worker.commands.fates_view import show_fates
from worker.commands.output import AsJson, say
from worker.commands.progress import Steps, progress
from worker.dead_letters.letter import REASONS, DeadLetter
from worker.dead_letters.listing import Listing
from worker.dead_letters.selection import EVERYTHING, Selection

NAMED: Final = 20
"""Letters of each fate that a dry run names where nobody says how many."""

app = typer.Typer(
    no_args_is_help=True,
    help="What could not be applied: list, show, replay, discard, export.\n\n"
    "Exit code: 0 done, 2 an option is wrong, 4 the broker, or the ledger, is away.",
)

OfAccount = Annotated[
    str | None, typer.Option("--account", help="Of this account. Default: of all with a file.")
]
Reasons = Annotated[list[str] | None, typer.Option("--reason", help="With this reason. Repeatable.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Of this event type. Repeatable.")]
Ids = Annotated[
    list[str] | None, typer.Option("--id", help="With this id, its own or its event's. Repeatable.")
]
Matching = Annotated[
    str | None,
    typer.Option(
        "--matching",
        metavar="TEXT",
        help="With this in what `list` says of why, the reason and its sentence; case does not count.",
    ),
]
All = Annotated[bool, typer.Option("--all", help="All; has to be said where nothing else selects.")]


@app.command("list")
def list_(  # noqa: PLR0913  # one for each option
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    matching: Matching = None,
    limit: Annotated[int, typer.Option(help="Name the newest so many one by one; 0 for all.", min=0)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show dead letters, grouped by reason and one by one. They stay where they are."""
    dead_letters, selection = DeadLettersOf(account), _selection(reason, type_, id_, matching)
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
        run_async(DeadLettersOf(account).read(Selection(ids=frozenset({id_})), found.append, steps))
    if not found:
        raise UsageError(f"there is no dead letter with the id {id_}")
    show_letters(found, as_json=as_json)


@app.command()
def replay(  # noqa: PLR0913  # one for each option
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    matching: Matching = None,
    all_: All = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each, and put none back.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(help="Of a dry run: name so many of each fate; 0 for all.", min=0)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put dead letters back into the work queue, oldest first. None is lost, whatever fails meanwhile.

    What newer events did to the same people stays: a replayed event applies only what is still newest.
    """
    selection = _chosen(_selection(reason, type_, id_, matching), all_=all_)
    if limit is not None and not dry_run:
        raise UsageError("--limit says how many a dry run names, not how many are put back: say --dry-run")
    dead_letters = DeadLettersOf(account)
    if dry_run:
        _foretell(dead_letters, selection, NAMED if limit is None else limit, as_json=as_json)
        return
    _and_report(lambda *how: dead_letters.replay(selection, *how), "replayed", as_json=as_json)


def _foretell(dead_letters: DeadLettersOf, selection: Selection, limit: int, *, as_json: bool) -> None:
    found, loaded = list[Told](), dead_letters.in_force()
    with progress("looking through dead letters", hidden=as_json) as steps:
        remarks = run_async(dead_letters.dry_run(selection, loaded, found.append, steps))
    show_fates(found, limit, remarks, as_json=as_json)


@app.command()
def discard(  # noqa: PLR0913  # one for each option
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    matching: Matching = None,
    all_: All = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters for good."""
    selection = _chosen(_selection(reason, type_, id_, matching), all_=all_)
    dead_letters = DeadLettersOf(account)
    among: dict[str, int] = {}
    if not yes:
        with progress("looking through dead letters", hidden=as_json) as steps:
            listings = run_async(dead_letters.look(selection, steps))
        among = _confirmed(listings)
    _and_report(lambda *how: dead_letters.discard(selection, among, *how), "discarded", as_json=as_json)


@app.command()
def export(
    *,
    account: OfAccount = None,
    reason: Reasons = None,
    type_: Types = None,
    id_: Ids = None,
    matching: Matching = None,
) -> None:
    """Print dead letters as JSON lines, with body, headers and reason. They stay where they are."""
    # On a terminal the lines themselves show how far it has come.
    with progress("exporting dead letters", hidden=sys.stdout.isatty()) as steps:
        run_async(DeadLettersOf(account).read(_selection(reason, type_, id_, matching), print_line, steps))


@app.command()
def renew(account: OfAccount = None) -> None:
    """Make dead-letter queues of an earlier version anew, with all that is in them. Workers may go on."""
    with progress("making dead-letter queues anew") as steps:
        renewed = run_async(DeadLettersOf(account).renew(steps))
    for name, count in renewed.items():
        say(f"{dead_letter_queue(name)} is made anew; it holds what it held: {count}.")


# -- what is selected -------------------------------------------------------------------------------------


def _selection(
    reasons: list[str] | None, types: list[str] | None, ids: list[str] | None, matching: str | None
) -> Selection:
    for reason in reasons or ():
        if reason not in REASONS:
            raise UsageError(f"there is no reason {reason}{_meant(reason)}")
    if matching is not None and not matching.strip():
        raise UsageError("--matching: say what stands in the reason; an empty text stands in all of them")
    return Selection(frozenset(reasons or ()), frozenset(types or ()), frozenset(ids or ()), matching or "")


def _meant(reason: str) -> str:
    near = suggestion(reason.replace("-", "_"), REASONS)
    return near or f"; there are {', '.join(REASONS)}"


def _chosen(selection: Selection, *, all_: bool) -> Selection:
    if selection == EVERYTHING and not all_:
        raise UsageError("say which dead letters: with --reason, --type, --id or --matching, or else --all")
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
