"""A wrong address of the ledger is refused before anything is done with it."""

from __future__ import annotations

import pytest

from worker.ledger.address import check_ledger_url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://db/kit", "postgresql+asyncpg://"),
        ("postgresql+asyncpg://kit:secret@db/kit?sslmode=require", "?ssl=require"),
        ("postgresql+asyncpg://kit:secret@db:99999/kit", "port"),
        ("sqlite+aiosqlite://", "must name a file"),
        ("secret", "must be such as"),
    ],
)
def test_a_wrong_address_is_refused_with_what_it_should_be(url: str, words: str) -> None:
    """The text does not repeat the address, which may hold a password."""
    with pytest.raises(ValueError, match=r"must|none of") as caught:
        check_ledger_url(url)

    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite:///data/ledger.db", "postgresql+asyncpg://kit:secret@db:5432/kit?ssl=require"]
)
def test_a_right_address_is_taken(url: str) -> None:
    check_ledger_url(url)
