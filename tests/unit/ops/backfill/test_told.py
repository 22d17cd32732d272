"""What people are told of a file of members, before anything is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from worker.events.event import Imported
from worker.ops.backfill.columns import read_columns
from worker.ops.backfill.options import BackfillOptions
from worker.ops.backfill.plan import IGNORED, BackfillPlan
from worker.ops.backfill.reading import WrongRow
from worker.ops.backfill.spool import Spool
from worker.ops.backfill.told import BY_THE_LEDGER, told_backfill, told_ends
from worker.ops.file_impact import FileImpact
from worker.subscribers.item import Kind

LIMIT = 120


@pytest.fixture
def plan() -> Iterator[BackfillPlan]:
    with Spool() as spool:
        yield BackfillPlan(
            "sunny",
            "backfill-1",
            spool,
            wrong=[WrongRow(7, "not JSON")],
            dead=[WrongRow(9, "identity")],
            ends=Counter({Kind.SUPERSEDED: 200, Kind.APPLIED: 1_000}),
            ignored=Counter({IGNORED: 3}),
            new_people=40,
            depend=2,
            impact=FileImpact(people=900, otherwise=800, new_taggings=Counter({"Member": 1_240}), calls=240),
            order=list(range(1_201)),
        )


def test_rows_and_people_are_told_with_what_is_not_known(plan: BackfillPlan) -> None:
    told = told_backfill(plan, None, BackfillOptions(), LIMIT)
    assert told.read == ()
    assert told.rows == (
        "1,201 rows are taken in; of these",
        "  1,000 are applied",
        "  200 are older than what is known, and change nothing",
        "  1 become dead letters, wholly or in part",
        f"3 rows are left out: {IGNORED}",
    )
    assert told.impact.sentence == "800 of 900 people would have something otherwise."
    assert told.impact.new.endswith("1,240.")
    assert "2.0 minutes at its limit of 120" in told.impact.costs
    assert told.agree.startswith("Plan backfill-1: 1,240 new taggings. To have it done, say run in place of")
    assert told.agree.endswith("--yes 1240 --skip-wrong.")
    assert [each[:34] for each in told.impact.unknown] == [
        "Of these people the ledger does no",
        "Of 2 people it depends on whether ",
        BY_THE_LEDGER[:34],
    ]


def test_it_is_told_how_the_file_is_read(plan: BackfillPlan) -> None:
    columns = read_columns("email\tNotes", [])
    how = BackfillOptions(imported=Imported(fields_only=True, known=True, marker="Old"))
    told = told_backfill(plan, columns, how, LIMIT)
    assert told.read == (
        "It is read as a table with tabs between its cells.",
        "Columns that are not read: Notes (--map COLUMN=PATH says what one is).",
        "First names and fields alone: no tag is put on or off, and nobody unsubscribed.",
        "Only the ledger learns, as Kit is said to have all of it: Kit is not called.",
        "Everybody gets the tag 'Old' before all others.",
    )


def test_where_nothing_is_left_nothing_is_to_be_agreed_to() -> None:
    with Spool() as spool:
        told = told_backfill(BackfillPlan("sunny", "backfill-1", spool), None, BackfillOptions(), LIMIT)
    assert (told.agree, told.impact.unknown) == ("", (BY_THE_LEDGER,))


def test_how_rows_ended_is_told_with_why_of_those_that_were_not_taken_in() -> None:
    told = told_ends(Counter({"applied": 1_000, "superseded": 20, "dead_lettered": 3, "held": 2}), 1_032)
    assert (told.is_all, told.sentence) == (False, "Done: 1,020 of 1,032 rows.")
    assert told.why == (
        "1,000 are applied",
        "20 are older than what is known, and change nothing",
        "3: they are dead letters: kit-worker dead-letters list, or the page",
        "2: tags of theirs are held by max_new_taggings_per_hour: kit-worker allow shows them",
        "7: they were not taken in, as the run was stopped, or their people were forgotten",
    )
    assert told_ends(Counter({"applied": 2}), 2).is_all
