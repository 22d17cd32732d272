"""Which names are nearly the same."""

from __future__ import annotations

import pytest

from worker.accounts.lint.spelling import alike, misspelt, plain


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("active member", "Active Members"),
        ("Canceled", "Cancelled"),
        ("Acitve Member", "Active Member"),
        ("order.paied", "order.paide"),
        ("Old custimer", "Old customer"),
    ],
)
def test_a_slip_in_a_long_word_is_seen(name: str, first: str) -> None:
    assert list(misspelt([first, "Else", name])) == [(name, first)]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Plan A", "Plan B"),
        ("Course 1", "Course 2"),
        ("Gold", "Bold"),
        ("Likes baking", "Likes biking"),
        ("Likes hiking", "Likes biking"),
        ("New Member", "Old Members"),
        ("Member", "New Members"),
        ("In {user.town}", "In {user.towns}"),
        ("active member", "Active Member"),
        ("Referred", "Referrer"),
        ("Angemeldet", "Abgemeldet"),
        ("Spender", "Spende"),
    ],
)
def test_other_words_are_other_words(name: str, first: str) -> None:
    assert list(misspelt([first, name])) == []


def test_case_blanks_and_hyphens_are_seen_as_well() -> None:
    names = ["Level", "level", "Half Month", "half-month", "HalfMonth", "Half Months", "Other"]

    assert [name for name, _ in alike(names)] == ["level", "half-month", "HalfMonth", "Half Months"]
    assert plain("Half-Year") == plain("half_year ")
    assert plain("order.paid") == plain("order_paid")
    assert plain("Level 1.5") != plain("Level 15")
