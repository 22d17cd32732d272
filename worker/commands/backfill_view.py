"""Prints what a file of members would do, and what came of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from worker.commands.exits import ExitCode
from worker.commands.impact import show_told
from worker.commands.output import say, show, show_json, table
from worker.ops.backfill.as_csv import KitFiles
from worker.ops.backfill.columns import Columns
from worker.ops.backfill.options import BackfillOptions
from worker.ops.backfill.plan import BackfillPlan
from worker.ops.backfill.told import told_backfill, told_ends
from worker.ops.told_end import NOT_DONE
from worker.ops.told_impact import minutes_of

UPLOAD: Final = (
    "Upload them in this order: what a tag starts then sees the values. Then let the ledger learn of it:",
    "kit-worker backfill run … --known --yes 0",
)


def show_plan(
    plan: BackfillPlan, columns: Columns | None, limit: int, options: BackfillOptions, *, as_json: bool
) -> None:
    """Print what a file would do.

    Args:
        plan: That.
        columns: Of a table; None where it has lines of JSON.
        limit: Calls to Kit in a minute.
        options: How the file is taken.
        as_json: Whether programs are to read it.
    """
    if as_json:
        show_json({
            "run": plan.run,
            "rows": len(plan.order),
            "wrong": [row._asdict() for row in plan.wrong],
            "dead": [row._asdict() for row in plan.dead],
            "ends": {kind.value: rows for kind, rows in plan.ends.items()},
            "left_out": plan.ignored,
            "new_people": plan.new_people,
            "depend_on_kit": plan.depend,
            "new_taggings_in_all": plan.new_taggings,
            "minutes": minutes_of(plan.impact, limit),
            **plan.impact.as_json(),
        })  # fmt: skip
        return
    told = told_backfill(plan, columns, options, limit)
    say(*told.read, *told.rows)
    show_wrong(plan)
    if plan.dead:
        say("Dead letters:", *(f"  line {row.line}: {row.why}" for row in plan.dead))
    if plan.order:
        say("")
        show_told(told.impact)
        say(told.agree)


def show_wrong(plan: BackfillPlan, *, as_json: bool = False) -> None:
    """Print which rows nobody can take, all of them; programs are told elsewhere."""
    if plan.wrong and not as_json:
        say(f"{len(plan.wrong):,} rows are wrong:", *(f"  line {row.line}: {row.why}" for row in plan.wrong))


def show_tables(tables: KitFiles, folder: Path, *, as_json: bool) -> None:
    """Print which tables there are for Kit's importer, and what to do with each."""
    files = list(tables.files())
    if as_json:
        told = [
            {"file": str(folder / each.name), "people": each.people, "tag": each.tag, "columns": each.columns}
            for each in files
        ]
        show_json({"files": told, "left_out": tables.left_out})
        return
    rows = [
        (str(folder / each.name), f"{each.people:,}", each.tag or "none", ", ".join(each.columns))
        for each in files
    ]
    if rows:
        show(table(("File", "People", "Tag to choose for the upload", "Columns"), rows, whole=1))
    say(*(UPLOAD if rows else ("There is nothing to upload: these rows change nobody.",)))
    if tables.left_out:
        say("Left out, as a spreadsheet could take it for a formula:")
        say(*(f"  {column} of {email}" for email, column in tables.left_out))


def say_ends(ended: Counter[str], count: int, run: str, *, as_json: bool) -> ExitCode:
    """Say how the rows of a run ended."""
    told = told_ends(ended, count)
    code = ExitCode.OK if told.is_all else ExitCode.SOMETHING
    if as_json:
        if (missing := count - ended.total()) > 0:
            ended[NOT_DONE] += missing
        show_json({"run": run, "rows": count, "ended": ended})
        return code
    say(f"{told.sentence} What each did: kit-worker history --email ADDRESS")
    say(*(f"  {why}" for why in told.why))
    return code
