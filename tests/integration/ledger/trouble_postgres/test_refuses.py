"""A server that refuses: what is wrong is named, without secrets, and once it is mended it works."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.engine import URL, make_url

from tests.integration.ledger.conftest import on_server
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    NewLedger,
    execute,
    fill,
    load,
    one_of_all,
    refusal,
    works,
)
from tests.integration.ledger.trouble_postgres.texts import check_text
from worker.ledger.store import Ledger


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("password", "wrong-secret", "password authentication failed"),
        ("database", "no_such_database", "does not exist"),
        ("username", "nobody_known", "nobody_known"),
        ("port", 1, "the connection is refused: nobody listens there"),
        ("host", "no-such-host.invalid", ""),
    ],
)
async def test_an_address_that_is_wrong_is_named(
    postgresql_url: str, open_ledger: NewLedger, part: str, value: str | int, said: str
) -> None:
    """Given an address that leads nowhere, the text says what is wrong with it, and not the password."""
    changed: dict[str, Any] = {part: value}
    url = make_url(postgresql_url).set(**changed)
    ledger = open_ledger(url.render_as_string(hide_password=False))
    for call in (ledger.ready(), ledger.database.version()):
        text = await refusal(call)
        check_text(text, ledger)
        assert said in text


async def test_a_database_that_is_read_only_is_named(ledger: Ledger, postgres_url: URL) -> None:
    """Given a server that takes no writes, as a stand-by, writing says so and reading goes on."""
    tenure = await fill(ledger, one_of_all())
    name = ledger.database.url.database
    await on_server(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await ledger.database.close()
    for call in (ledger.ready(), ledger.take(ACCOUNT), ledger.save(tenure, one_of_all())):
        said = await refusal(call)
        check_text(said, ledger)
        assert "read-only transaction" in said
    await on_server(postgres_url, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    await works(ledger)  # in sessions that begin now, for those from before stay as they were
    assert (await load(ledger, tenure, ADA)).records.keys() == {ADA}


async def test_a_database_that_was_read_only_from_the_start_is_written_later(
    ledger: Ledger, postgresql_url: str, postgres_url: URL, open_ledger: NewLedger
) -> None:
    """Given a worker that found it read-only, with several sessions, it goes on by itself once it is not."""
    tenure = await fill(ledger, one_of_all())
    name = ledger.database.url.database
    await on_server(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    late = open_ledger(postgresql_url)
    assert "read-only transaction" in await refusal(late.ready())
    await asyncio.gather(*(load(late, tenure, ADA) for _ in range(5)))
    await on_server(postgres_url, f"ALTER DATABASE {name} RESET default_transaction_read_only")
    assert "read-only transaction" in await refusal(late.ready())  # once, in a session from before
    await asyncio.gather(*(late.ready() for _ in range(5)))


async def test_a_table_that_somebody_dropped_is_missed(ledger: Ledger) -> None:
    """Given one table that is gone, that is said with its name, and an error's text carries nobody's data."""
    tenure = await fill(ledger, one_of_all())
    await execute(ledger, "DROP TABLE subscribers")
    said = await refusal(ledger.save(tenure, one_of_all()))
    assert 'has lost tables (relation "subscribers" does not exist); put it back from a backup' in said
    assert ADA not in said
