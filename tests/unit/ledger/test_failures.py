"""Whether the ledger can be used, as those who use it find out."""

from __future__ import annotations

from contextlib import suppress

import pytest

from worker.errors import EpochLost, LedgerUnavailable
from worker.ledger.failures import DamagedRowError, Usability


def use(usability: Usability, *, writes: bool, error: Exception | None = None) -> str:
    """Use a ledger, well or not; return the problem that is known then."""
    with suppress(LedgerUnavailable, EpochLost), usability.of_use(writes=writes):
        if error is not None:
            raise error
    return usability.problem


def test_a_disk_that_can_be_read_and_not_written_is_a_problem_until_it_is_written() -> None:
    usability = Usability()
    assert use(usability, writes=False) == ""
    assert use(usability, writes=True, error=LedgerUnavailable("full")) == "full"
    assert use(usability, writes=False) == "full"
    assert use(usability, writes=True) == ""


def test_whoever_writes_can_read_too() -> None:
    usability = Usability()
    assert use(usability, writes=False, error=LedgerUnavailable("away")) == "away"
    assert use(usability, writes=True) == ""


@pytest.mark.parametrize("writes", [False, True])
def test_an_account_that_was_taken_away_says_nothing_about_the_ledger(writes: bool) -> None:
    assert use(Usability(), writes=writes, error=EpochLost("taken")) == ""


def test_a_damaged_row_of_one_account_says_nothing_of_the_database() -> None:
    """Given a row that cannot be read, which holds its own account, no other one is held for it."""
    usability = Usability()
    with pytest.raises(DamagedRowError), usability.of_use(writes=False):
        raise DamagedRowError("the ledger holds a row of sunny that cannot be read")
    assert usability.problem == ""
