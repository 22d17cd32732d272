"""What people are told of what a file of members would do, on the page and by the command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from worker.ops.backfill.columns import SEPARATORS, Columns
from worker.ops.backfill.options import BackfillOptions
from worker.ops.backfill.plan import BackfillPlan
from worker.ops.told_end import NOT_DONE, ToldEnd, told_others
from worker.ops.told_impact import ToldImpact, told
from worker.subscribers.item import Kind

ENDS: Final = {
    Kind.APPLIED: "are applied",
    Kind.SUPERSEDED: "are older than what is known, and change nothing",
    Kind.DUPLICATE: "came before",
    Kind.SCHEDULED: "take effect later",
    Kind.IGNORED: "are of people whom Kit lacks, and create nobody",
    Kind.FORGOTTEN: "are of people who were forgotten, and are dropped",
}
_WHY: Final = {NOT_DONE: "they were not taken in, as the run was stopped, or their people were forgotten"}
NEW_PEOPLE: Final = (
    "Of these people the ledger does not know that Kit has them: {:,}. Kit is not asked; whom it has all the "
    "same keeps what is there."
)
DEPEND: Final = (
    "Of {:,} people it depends on whether Kit has them, which the ledger does not know: their rows create "
    "nobody. They are counted as if it had."
)
AGREE: Final = (
    "Plan {0}: {1:,} new taggings. To have it done, say run in place of plan, with the same options and "
    "--yes {1}{2}."
)
BY_THE_LEDGER: Final = (
    "This is by what the ledger knows: tags that somebody has put on in Kit itself are told as new here, and "
    "start nothing where they are there."
)


@dataclass(frozen=True, slots=True)
class ToldBackfill:
    """What people are told.

    Attributes:
        read: How the file was read, a sentence each.
        rows: How many rows there are, and how they would end, a sentence each.
        impact: Who would have what, and what it takes.
        agree: How to have it done.
    """

    read: tuple[str, ...]
    rows: tuple[str, ...]
    impact: ToldImpact
    agree: str


def told_backfill(
    plan: BackfillPlan, columns: Columns | None, options: BackfillOptions, limit: int
) -> ToldBackfill:
    """Return what people are told of a plan.

    Args:
        plan: What the file would do.
        columns: Of a table; None where it has lines of JSON.
        options: How it is taken.
        limit: Calls to Kit in a minute.
    """
    found = plan.impact
    unknown = [said.format(count) for said, count in _not_known(plan) if count]
    impact = replace(
        told(found, limit),
        sentence=f"{found.otherwise:,} of {found.people:,} people would have something otherwise.",
        unknown=(*unknown, BY_THE_LEDGER),
    )
    skips = " --skip-wrong" if plan.wrong else ""
    agree = AGREE.format(plan.run, plan.new_taggings, skips) if plan.order else ""
    return ToldBackfill(tuple(_read(columns, options)), tuple(_rows(plan)), impact, agree)


def _not_known(plan: BackfillPlan) -> tuple[tuple[str, int], ...]:
    return (NEW_PEOPLE, plan.new_people), (DEPEND, plan.depend)


def _read(columns: Columns | None, options: BackfillOptions) -> Iterator[str]:
    if columns is not None:
        yield f"It is read as a table with {SEPARATORS[columns.separator]} between its cells."
        if columns.unread:
            unread = ", ".join(columns.unread)
            yield f"Columns that are not read: {unread} (--map COLUMN=PATH says what one is)."
    imported = options.imported
    if imported.fields_only:
        yield "First names and fields alone: no tag is put on or off, and nobody unsubscribed."
    if imported.known:
        yield "Only the ledger learns, as Kit is said to have all of it: Kit is not called."
    if imported.marker:
        yield f"Everybody gets the tag {imported.marker!r} before all others."


def _rows(plan: BackfillPlan) -> Iterator[str]:
    taken = len(plan.order)
    yield f"{taken:,} rows are taken in; of these"
    for kind, rows in sorted(plan.ends.items(), key=lambda each: -each[1]):
        yield f"  {rows:,} {ENDS[kind]}"
    if plan.dead:
        yield f"  {len(plan.dead):,} become dead letters, wholly or in part"
    for why, rows in plan.ignored.most_common():
        yield f"{rows:,} rows are left out: {why}"


def told_ends(ended: Counter[str], count: int) -> ToldEnd:
    """Return what people are told of how the rows of a run ended.

    Args:
        ended: How many ended how, as the history names it.
        count: How many there are; of those that are missing the history has no line.
    """
    all_, known = ended + Counter({NOT_DONE: max(0, count - ended.total())}), {kind.value for kind in ENDS}
    done = sum(all_[end] for end in known)
    why = [f"{all_[kind.value]:,} {told_}" for kind, told_ in ENDS.items() if all_[kind.value]]
    why += told_others(all_, known, _WHY)
    return ToldEnd(is_all=done == count, sentence=f"Done: {done:,} of {count:,} rows.", why=tuple(why))
