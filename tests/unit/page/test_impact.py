"""The last events, as the history tells them, under another file."""

from __future__ import annotations

from worker.page.impact import Impact


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
