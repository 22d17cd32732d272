"""Events that came, as lines of the history tell them."""

from __future__ import annotations

from worker.accounts.impact import Came
from worker.ledger.history import Line
from worker.ops.came import came

CALLS = (
    {"call": "POST /v4/subscribers", "what": "first name 'Ada', Plan 'Annual'", "rules": []},
    {"call": "POST /v4/tags/{}/subscribers/{}", "what": "tag 'VIP'", "rules": [0, 2]},
)
LINE = Line("sunny", "ada@example.com", None, "order.paid", "", 0.0, "applied", "", CALLS, "abc", "one")


def test_a_line_tells_which_rules_matched_and_what_was_sent() -> None:
    sent = {"first_name": "Ada", "Plan": "Annual", "tag": "VIP"}
    found = came(LINE, "abc")
    assert (found.kind, found.outcome, found.rules) == ("order.paid", "applied", frozenset({0, 2}))
    assert {name: sent[name] for name in found.values} == found.values


def test_rules_of_another_file_have_other_numbers() -> None:
    assert came(LINE, "other").rules == Came("order.paid", "applied").rules
