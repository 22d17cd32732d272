"""The name of a run."""

from __future__ import annotations

from datetime import UTC, datetime

from worker.events.event import Imported
from worker.ops.backfill.options import BackfillOptions, run_of


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
