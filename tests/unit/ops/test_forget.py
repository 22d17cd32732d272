"""What `forget` says is left where it could not do all."""

from __future__ import annotations

from worker.ledger.forgetting import Erased
from worker.ops.forget import Forgetting

ADA = "ada@example.com"


def forgetting(*, searched: bool = True, **known: object) -> Forgetting:
    """Ada, erased from the ledger of one account."""
    erased = Erased(
        "sunny", addresses=frozenset({ADA}), user_ids=frozenset({"7"}), records=1, people=1, history=2
    )
    return Forgetting(ADA, erased=[erased], searched=searched, **known)  # type: ignore[arg-type]


def test_after_all_was_done_nothing_is_left() -> None:
    assert forgetting().left() == []


def test_dead_letters_that_were_not_looked_through_are_named_by_every_sign_of_the_person() -> None:
    (said,) = forgetting(searched=False).left()

    assert "dead letters may be left that name 7, ada@example.com: look with" in said


def test_whose_dead_letters_somebody_else_holds_is_said_first() -> None:
    first, second = forgetting(unseen=["sunny", "rainy"]).left()

    assert first == "somebody else holds dead letters of sunny, rainy, which were not seen"
    assert "dead letters may be left" in second


def test_a_file_in_which_the_person_may_still_be_read_comes_with_its_reason_and_remedy() -> None:
    why, what = forgetting(readable="ledger.db", why="the ledger is busy").left()

    assert why == "the ledger is busy"
    assert what.endswith("readable in ledger.db until you run kit-worker forget ada@example.com again")
