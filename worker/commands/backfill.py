"""`kit-worker backfill …`: existing members, from a file of their events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from worker.commands.backfill_of import (
    Agreed,
    AskedBackfill,
    run_file,
    show_planned,
    stopped,
    undone,
    write_tables,
)
from worker.commands.common import AccountName, begin, collect_seldom, one_account, read_accounts, run_async
from worker.commands.exits import UsageError
from worker.commands.output import AsJson, say
from worker.events.event import Imported
from worker.ops.backfill.options import RUN, BackfillOptions, MembersFileError, options_of

app = typer.Typer(no_args_is_help=True, help="Existing members, from a file: plan, run, stop, undo, as-csv.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="JSON lines of events, or CSV with a first line.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help=f"As the plan names it: {RUN}….")]
Columns = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="COLUMN=PATH", help="What a column of a CSV file is. Repeatable."),
]
Type = Annotated[str, typer.Option("--type", help="The type of rows that do not name theirs.")]
App = Annotated[
    str, typer.Option("--app", help="The app whose events they are, where the account takes several.")
]
AsOf = Annotated[
    str, typer.Option("--as-of", metavar="TIME", help="When that happened which does not say so itself.")
]
FieldsOnly = Annotated[bool, typer.Option("--fields-only", help="Put no tags on or off.")]
Known = Annotated[
    bool, typer.Option("--known", help="Kit has all of it: only the ledger learns, and Kit is not called.")
]
Marker = Annotated[
    str, typer.Option("--marker-tag", metavar="NAME", help="A tag that everybody gets, before all others.")
]


@app.command()
def plan(  # noqa: PLR0913  # one for each option
    account: AccountName,
    file: File,
    *,
    columns: Columns = None,
    type_: Type = "",
    app_: App = "",
    as_of: AsOf = "",
    fields_only: FieldsOnly = False,
    known: Known = False,
    marker: Marker = "",
    as_json: AsJson = False,
) -> None:
    """Show what a file of members would do; nothing is changed.

    Exit code: 0 nothing, 1 something, 2 the file, or a row of it, is wrong, 4 the ledger is away.
    """
    imported = Imported(fields_only=fields_only, known=known, marker=marker.strip())
    asked = _asked(account, file, _options(columns, type_, app_, as_of, imported), as_json=as_json)
    raise typer.Exit(run_async(show_planned(asked)))


@app.command()
def run(  # noqa: PLR0913  # one for each option
    account: AccountName,
    file: File,
    *,
    yes: Annotated[int, typer.Option("--yes", metavar="N", help="New taggings, as the plan has said.")],
    columns: Columns = None,
    type_: Type = "",
    app_: App = "",
    as_of: AsOf = "",
    fields_only: FieldsOnly = False,
    known: Known = False,
    marker: Marker = "",
    skip_wrong: Annotated[
        bool, typer.Option("--skip-wrong", help="Leave out the rows that are wrong.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the workers have done it.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Have the workers take a file of members in; the same command carries on where it was left.

    Exit code: 0 done, 1 something is left, 2 it is not as the plan has said, 4 the ledger is away.
    """
    imported = Imported(fields_only=fields_only, known=known, marker=marker.strip())
    asked = _asked(account, file, _options(columns, type_, app_, as_of, imported), as_json=as_json)
    raise typer.Exit(run_async(run_file(asked, Agreed(yes, skip_wrong=skip_wrong), wait=wait)))


@app.command("as-csv")
def as_csv(  # noqa: PLR0913  # one for each option
    account: AccountName,
    file: File,
    *,
    into: Annotated[Path, typer.Option("--into", metavar="FOLDER", help="A folder that is new, or empty.")],
    columns: Columns = None,
    type_: Type = "",
    app_: App = "",
    as_of: AsOf = "",
    fields_only: FieldsOnly = False,
    as_json: AsJson = False,
) -> None:
    """Write what a file would change as tables for Kit's own importer, and tell what to do with each.

    Exit code: 0 done, 2 the file, or a row of it, is wrong, 4 the ledger is away.
    """
    imported = Imported(fields_only=fields_only)
    asked = _asked(account, file, _options(columns, type_, app_, as_of, imported), as_json=as_json)
    raise typer.Exit(run_async(write_tables(asked, into)))


@app.command("stop")
def stop_(account: AccountName, run: Run) -> None:
    """Take no more rows of a run in; what is on the way is done all the same.

    Exit code: 0 done, 2 there is no such run, 4 the ledger is away.
    """
    settings = begin()
    name = one_account(read_accounts(settings), account).name
    dropped, on_the_way = run_async(stopped(settings, name, run))
    others = f"; {on_the_way:,} are on their way, and done all the same" if on_the_way else ""
    say(f"Stopped: {dropped:,} rows are not taken in{others}.")


@app.command("undo")
def undo_(account: AccountName, run: Run) -> None:
    """Take off the tags that a run newly put on, and nobody has touched since.

    Exit code: 0 begun, 2 there is no such run, 4 the ledger is away.
    """
    settings = begin()
    name = one_account(read_accounts(settings), account).name
    say(f"The workers take off what {run_async(undone(settings, name, run)):,} rows put on.")


# -- what is asked ----------------------------------------------------------------------------------------


def _asked(account: str, file: Path, options: BackfillOptions, *, as_json: bool) -> AskedBackfill:
    settings = begin()
    collect_seldom()
    return AskedBackfill(settings, one_account(read_accounts(settings), account), file, options, as_json)


def _options(
    columns: list[str] | None, event_type: str, app: str, as_of: str, imported: Imported
) -> BackfillOptions:
    try:
        return options_of(columns or (), event_type, app, as_of, imported)
    except MembersFileError as error:
        raise UsageError(str(error)) from error
