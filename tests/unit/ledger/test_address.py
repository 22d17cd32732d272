"""A wrong address of the ledger is refused before anything is done with it."""

from __future__ import annotations

import pytest

from worker.ledger.address import check_ledger_url, check_way_to_ledger


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://db/kit", "postgresql+asyncpg://"),
        ("postgresql+asyncpg://kit:secret@db/kit?sslmode=require", "?ssl=verify-full"),
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


SQLITE = "sqlite+aiosqlite:///data/ledger.db"
AWAY = "postgresql+asyncpg://kit:secret@db.example.com/kit"


@pytest.mark.parametrize(
    ("url", "allow_plain"),
    [
        (SQLITE, "0"),
        ("postgresql+asyncpg://kit:secret@localhost/kit", "0"),
        ("postgresql+asyncpg://kit:secret@127.0.0.2:5433/kit", ""),
        ("postgresql+asyncpg://kit:secret@[::1]/kit", "0"),
        ("postgresql+asyncpg://kit:secret@/kit?host=/run/postgresql", "0"),
        (f"{AWAY}?ssl=verify-full", "0"),
        (f"{AWAY}?ssl=verify-full&sslrootcert=ca.pem", "0"),
        (f"{AWAY}?ssl=verify-ca&sslrootcert=ca.pem", "0"),
        (AWAY, "1"),
        (f"{AWAY}?ssl=require", "1"),
        (AWAY, "postgres, db.example.com"),
    ],
)
def test_a_password_goes_where_it_is_safe(url: str, allow_plain: str) -> None:
    """A file, this host, a server that a CA vouches for, or a network that somebody said is trusted."""
    check_way_to_ledger(url, allow_plain)


@pytest.mark.parametrize(
    ("url", "allow_plain"),
    [
        (AWAY, "0"),
        (AWAY, ""),
        (AWAY, "postgres"),
        (f"{AWAY}?ssl=require", "0"),
        (f"{AWAY}?ssl=prefer", "0"),
        (f"{AWAY}?ssl=verify-ca", "0"),
        ("postgresql+asyncpg://kit:secret@localhost,db.example.com/kit", "0"),
        ("postgresql+asyncpg://kit:secret@/kit?host=localhost:5432&host=db.example.com:5432", "0"),
        ("postgresql+asyncpg://kit:secret@localhost/kit?host=db.example.com", "0"),
    ],
)
def test_a_password_goes_to_nobody_who_happens_to_answer(url: str, allow_plain: str) -> None:
    """Encrypted is not enough: whoever stands between can encrypt, too."""
    with pytest.raises(ValueError, match=r"the way to db\.example\.com needs verified TLS") as caught:
        check_way_to_ledger(url, allow_plain)

    assert "?ssl=verify-full" in str(caught.value)
    assert "LEDGER_ALLOW_PLAIN=1" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_host_that_the_environment_names_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    with pytest.raises(ValueError, match=r"the way to db\.example\.com"):
        check_way_to_ledger("postgresql+asyncpg://kit:secret@/kit", "0")


def test_a_ca_that_would_not_be_asked_is_refused() -> None:
    with pytest.raises(ValueError, match="counts with"):
        check_way_to_ledger(f"{AWAY}?ssl=require&sslrootcert=ca.pem", "1")
