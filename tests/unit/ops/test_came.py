"""Events that came, as lines of the history tell them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from tests.unit.page.known import know
from worker.accounts.account import Account
from worker.accounts.impact import Came
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.history import Line
from worker.ops.came import came, last_events
from worker.subscribers.known import HistoryEntry

CALLS = (
    {"call": "POST /v4/subscribers", "what": "first name 'Ada', Plan 'Annual'", "rules": []},
    {"call": "POST /v4/tags/{}/subscribers/{}", "what": "tag 'VIP'", "rules": [0, 2]},
)
LINE = Line("sunny", "ada@example.com", None, "order.paid", "", 0.0, "applied", "", CALLS, "abc", "one")


def test_a_line_tells_which_rules_matched_and_what_was_sent() -> None:
    found = came(LINE, "abc")
    assert (found.kind, found.outcome, found.rules) == ("order.paid", "applied", frozenset({0, 2}))
    assert found.values == {"first_name": "Ada", "Plan": "Annual"}


def test_rules_of_another_file_have_other_numbers() -> None:
    assert came(LINE, "other").rules == Came("order.paid", "applied").rules


async def test_of_the_last_events_ours_are_left_out_and_those_under_this_file_are_apart(
    tmp_path: Path,
) -> None:
    """Given events under two texts of a file, and one of the worker's own, each is where it belongs."""
    now, account = Clock().now(), Account("sunny", version="new")
    entry = HistoryEntry("", None, "order.paid", now, now.timestamp(), "applied", version="old")
    kinds = {"order.sent": "old", "order.paid": "new", "kit-worker.due": "new"}
    entries = [replace(entry, event_type=kind, version=version) for kind, version in kinds.items()]
    await know(tmp_path, entries=entries)
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")

    found = await last_events(database, account, 10)
    last = await last_events(database, account, 1)
    await database.close()

    assert {each.kind for each in found.came} == found.kinds == {"order.sent", "order.paid"}
    assert [each.kind for each in found.under_this] == ["order.paid"]
    assert (len(last.came), last.kinds) == (0, found.kinds)
