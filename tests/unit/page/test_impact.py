"""The last events, as the history tells them, under another file."""

from __future__ import annotations

from worker.accounts.impact import Came
from worker.ledger.history import Line
from worker.page.impact import Impact, came

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


def test_what_is_found_is_one_sentence() -> None:
    counts, unsure = {"order.paid": 12}, {"order.sent": 2, "a.b": 1}
    assert Impact(500, counts, {}).sentence == (
        "Of the last 500 events, 12 (order.paid 12) would have done something else."
    )
    assert Impact(500, counts, unsure).sentence == (
        "Of the last 500 events, 12 (order.paid 12) would have done something else; of 3 (a.b 1, order.sent "
        "2) nobody can tell, since the history keeps only what was sent to Kit."
    )
    assert Impact(1, {}, {}).sentence == "Of the only event so far, none would have done something else."
    assert Impact().sentence == "No event has come yet that it could be tried on."
    assert Impact(problem="It is away.").sentence.endswith("is not known. It is away.")
