"""The name of a run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from worker.events.event import Imported
from worker.ops.backfill.options import BackfillOptions, MembersFileError, options_of, run_of


def test_a_run_has_one_name_for_one_account_file_and_way_to_take_it() -> None:
    ways = [
        BackfillOptions(),
        BackfillOptions(columns=(("Plan", "mk_subscription_plan"),)),
        BackfillOptions(event_type="user.signed_up"),
        BackfillOptions(app="sunny"),
        BackfillOptions(as_of=datetime(2024, 1, 1, tzinfo=UTC)),
        BackfillOptions(imported=Imported(fields_only=True)),
        BackfillOptions(imported=Imported(known=True)),
        BackfillOptions(imported=Imported(marker="Old")),
    ]
    names = {run_of(account, digest, way) for account in "ab" for digest in "12" for way in ways}
    assert len(names) == 4 * len(ways)
    assert names == {run_of(account, digest, way) for account in "ab" for digest in "12" for way in ways}
    assert all(name.startswith("backfill-") for name in names)


def test_options_are_taken_as_somebody_writes_them() -> None:
    found = options_of(
        ["Plan name = mk_subscription_plan"], " a.b ", "sunny", "2024-01-01T00:00:00Z", Imported()
    )
    assert found.columns == (("Plan name", "mk_subscription_plan"),)
    assert (found.event_type, found.app, found.as_of) == ("a.b", "sunny", datetime(2024, 1, 1, tzinfo=UTC))
    assert options_of([], "", "", "", Imported()) == BackfillOptions()


@pytest.mark.parametrize(
    ("columns", "as_of", "imported", "why"),
    [
        (["Plan"], "", Imported(), "--map Plan: should be COLUMN=PATH"),
        ([], "yesterday", Imported(), "--as-of"),
        ([], "", Imported(known=True, marker="Old"), "nobody can get a --marker-tag"),
    ],
)
def test_options_that_cannot_be_so_are_named(
    columns: list[str], as_of: str, imported: Imported, why: str
) -> None:
    with pytest.raises(MembersFileError, match=why):
        options_of(columns, "", "", as_of, imported)
