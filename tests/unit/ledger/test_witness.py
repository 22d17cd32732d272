"""What a process has seen of the ledger: which tenure is the newest, and whose last word counts."""

from __future__ import annotations

from worker.ledger.witness import Witness


def test_the_word_of_a_tenure_that_was_seen_running_counts() -> None:
    witness = Witness()
    witness.saw("sunny", 7, running=True)
    witness.saw("sunny", 7, running=False)
    assert witness.knows("sunny", 7)
    assert not witness.knows("rainy", 7)


def test_the_word_of_a_tenure_that_had_ended_when_it_was_first_seen_does_not() -> None:
    """Given a ledger that was put back before this process began, it may be older than what happened."""
    witness = Witness()
    witness.saw("sunny", 7, running=False)
    assert not witness.knows("sunny", 7)


def test_of_two_tenures_the_newer_one_counts_in_whichever_order_they_are_seen() -> None:
    witness = Witness()
    witness.saw("sunny", 8, running=True)
    witness.saw("sunny", 7, running=True)
    assert (witness.newest("sunny"), witness.knows("sunny", 7), witness.knows("sunny", 8)) == (8, False, True)
    witness.saw("sunny", 9, running=False)
    assert not witness.knows("sunny", 8)
    assert witness.newest("rainy") == 0
