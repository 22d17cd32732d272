"""How dead letters are selected."""

from __future__ import annotations

import pytest

from tests.unit.dead_letters.taken_out import delivered
from worker.dead_letters.own_id import read_letter
from worker.dead_letters.selection import Selection
from worker.events.delivery import Delivery


@pytest.mark.parametrize(
    ("selection", "matches"),
    [
        (Selection(), True),
        (Selection(ids=frozenset({"letter-1", "other"})), True),
        (Selection(ids=frozenset({"other"})), False),
        (Selection(reasons=frozenset({"delivery_limit"})), True),
        (Selection(reasons=frozenset({"delivery_limit"}), types=frozenset({"order.paid"})), False),
    ],
)
def test_a_selection_matches_what_fits_all_of_it(selection: Selection, matches: bool) -> None:
    letter = read_letter(delivered(1, message_id="letter-1"), "sunny")

    assert selection.matches(letter) is matches


def test_an_empty_id_selects_nothing() -> None:
    """Given a letter whose event has no id, a slip such as `--id "$ID"` must not select it."""
    assert not Selection(ids=frozenset({""})).matches(read_letter(delivered(1), "sunny"))


def rejected(detail: str, *, reason: str = "kit_rejected") -> Delivery:
    """What a worker wrote, and why."""
    return Delivery(b"{}", "sunny", {"message_id": "letter-1"}, {"x-reason": reason, "x-detail": detail})


@pytest.mark.parametrize(
    ("text", "is_meant"),
    [
        ("email address", True),
        ("EMAIL  Address", True),
        ("kit_rejected: Email", True),
        ("kit_rejected", True),
        ("422.", False),
        ("tag", False),
    ],
)
def test_letters_are_selected_by_words_of_why_they_are_dead(text: str, is_meant: bool) -> None:
    """Given what stands in a list, as it is or with other blanks, it selects what it stands beside."""
    letter = read_letter(rejected("Email address\nis invalid (422)"), "sunny")
    assert Selection(matching=text).matches(letter) == is_meant


def test_words_of_why_and_a_reason_both_have_to_fit() -> None:
    letter = read_letter(rejected("Name is too long"), "sunny")
    assert Selection(reasons=frozenset({"kit_rejected"}), matching="too long").matches(letter)
    assert not Selection(reasons=frozenset({"unknown_tag"}), matching="too long").matches(letter)


def test_why_rabbitmq_took_a_letter_out_can_be_named_too() -> None:
    assert Selection(matching="no worker settled it").matches(read_letter(delivered(1), "sunny"))
