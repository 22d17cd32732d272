"""Whom a command is about: by an address, or by an id within an app."""

from __future__ import annotations

import pytest

from worker.commands.exits import UsageError
from worker.commands.whose import _only, whose_address
from worker.ledger.signs import KnownId
from worker.settings import Settings

ANN, BOB = KnownId("sunny", "site-a", "ann@example.com"), KnownId("sunny", "site-b", "bob@example.com")


@pytest.mark.parametrize(("known", "app", "email"), [
    ([ANN], None, ANN.email),
    ([ANN, BOB], "site-b", BOB.email),
    ([ANN, KnownId("rainy", "site-c", ANN.email)], None, ANN.email),
])  # fmt: skip
def test_an_id_is_one_persons_within_an_app(known: list[KnownId], app: str | None, email: str) -> None:
    assert _only(known, "7", app) == email


@pytest.mark.parametrize(
    ("known", "app", "said"),
    [
        ([ANN, BOB], None, "say --app with one of site-a, site-b"),
        ([], None, "nobody is known by the id 7"),
        ([ANN], "site-b", "nobody is known by the id 7 of site-b"),
    ],
)
def test_who_is_not_clear_is_asked_for(known: list[KnownId], app: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _only(known, "7", app)


@pytest.mark.parametrize(("email", "user"), [(None, None), ("ann@example.com", "7")])
def test_one_of_both_is_said(email: str | None, user: str | None) -> None:
    with pytest.raises(UsageError, match="an address, or --user"):
        whose_address(Settings(), email, user, None)
