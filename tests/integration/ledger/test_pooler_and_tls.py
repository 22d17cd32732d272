"""A ledger behind a real PgBouncer, and over real TLS: it works, and no password goes to whoever answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from sqlalchemy.engine import URL, make_url

from scripts.pgbouncer import Bouncer, new_bouncer
from tests.integration.ledger.certificates import Certificates
from tests.integration.ledger.conftest import new_database, on_server
from tests.integration.ledger.harness import (
    ACCOUNT,
    ADA,
    BOB,
    NewLedger,
    all_calls,
    entry,
    fill,
    load,
    one_of_all,
    record,
    refusal,
    works,
)
from worker.ledger.history import find_history
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch

Connect: TypeAlias = Callable[..., Ledger]


@contextmanager
def running(bouncer: Bouncer) -> Iterator[Bouncer]:
    try:
        bouncer.start()
        yield bouncer
    finally:
        bouncer.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """A CA, and a certificate of it for localhost."""
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def bouncer(postgres_url: URL, certificates: Certificates) -> Iterator[Bouncer]:
    """A PgBouncer in transaction mode, with fewer sessions than a worker's connections."""
    url = postgres_url.render_as_string(hide_password=False)
    with running(new_bouncer(url, (certificates.key, certificates.certificate))) as started:
        yield started


@pytest.fixture
def pooled_url(bouncer: Bouncer, postgresql_url: str) -> URL:
    """An empty database, by way of PgBouncer."""
    return make_url(postgresql_url).set(host="localhost", port=bouncer.port)


@pytest.fixture
def pooled(pooled_url: URL, open_ledger: NewLedger) -> Connect:
    """Call it for one more process's way to that database; `query` is added to the address."""

    def connect(**query: str) -> Ledger:
        return open_ledger(pooled_url.update_query_dict(query).render_as_string(hide_password=False))

    return connect


# -- PgBouncer ---------------------------------------------------------------------------------------------


async def test_everything_works_by_way_of_a_pooler(pooled: Connect) -> None:
    """Given PgBouncer in transaction mode, every call of a ledger does what it does without."""
    ledger = pooled()
    tenure = await fill(ledger, one_of_all())
    for name, call in all_calls(ledger, tenure).items():
        if name != "forget":  # it takes the account
            await call()
    await works(ledger)


async def test_many_workers_at_once_share_few_sessions(pooled: Connect) -> None:
    """Given eight workers at once on three sessions, each row is there, and none is somebody else's."""
    ledgers = [pooled() for _ in range(8)]

    async def work(number: int) -> None:
        account = f"account-{number}"
        tenure = await fill(ledgers[number], Batch([record(ADA, account)]), account=account)
        for count in range(10):
            batch = Batch([record(BOB, account)], entries=[entry(BOB, f"{account}-{count}")] * 3)
            _, known = await asyncio.gather(
                ledgers[number].save(tenure, batch), load(ledgers[number], tenure, ADA, BOB, users=["u"])
            )
            assert known.records[ADA].tags.keys() == {account}

    await asyncio.gather(*(work(number) for number in range(8)))
    found = [line.event_id for line in await find_history(ledgers[0].database, limit=10_000)]
    assert len(found) == 8 * 10 * 3


async def test_without_a_pooler_statements_are_kept(ledger_of_its_own: Ledger) -> None:
    """Given PostgreSQL itself, what was prepared is executed again, which is a round trip less."""
    await fill(ledger_of_its_own, one_of_all())
    async with ledger_of_its_own.database.write() as connection:
        count = (await connection.exec_driver_sql("SELECT count(*) FROM pg_prepared_statements")).scalar()
    assert count


@pytest.fixture
def ledger_of_its_own(postgresql_url: str, open_ledger: NewLedger) -> Ledger:
    return open_ledger(postgresql_url)


# -- TLS ---------------------------------------------------------------------------------------------------


async def test_a_ca_of_ones_own_vouches_for_the_server(pooled: Connect, certificates: Certificates) -> None:
    """Given the CA's file, the ledger works over TLS, under the name that the certificate has."""
    ledger = pooled(ssl="verify-full", sslrootcert=str(certificates.authority))
    await works(ledger)


async def test_a_server_that_nobody_vouches_for_gets_no_password(pooled: Connect) -> None:
    """Given a certificate of an unknown CA, that is said, with the setting that mends it."""
    said = await refusal(pooled(ssl="verify-full").ready())
    assert "an authority that is not known here" in said
    assert "sslrootcert=FILE" in said


async def test_a_certificate_for_another_name_is_refused(
    pooled_url: URL, open_ledger: NewLedger, certificates: Certificates
) -> None:
    """Given 127.0.0.1, which the certificate does not name: not with verify-full, but with verify-ca."""
    query = {"ssl": "verify-full", "sslrootcert": str(certificates.authority)}
    url = pooled_url.set(host="127.0.0.1")
    strict = open_ledger(url.update_query_dict(query).render_as_string(hide_password=False))
    assert "127.0.0.1" in await refusal(strict.ready())
    query["ssl"] = "verify-ca"
    await works(open_ledger(url.update_query_dict(query).render_as_string(hide_password=False)))


async def test_a_server_without_tls_gets_no_password(postgresql_url: str, open_ledger: NewLedger) -> None:
    """Given a server that refuses TLS, which was asked for, the ledger is not used without it."""
    said = await refusal(open_ledger(f"{postgresql_url}?ssl=verify-full").ready())
    assert "it speaks no TLS, which is asked for" in said


async def test_a_ca_that_is_not_there_is_named(
    postgresql_url: str, open_ledger: NewLedger, tmp_path: Path
) -> None:
    """Given the name of a file that is missing, the name is in the sentence."""
    missing = tmp_path / "no-ca.pem"
    ledger = open_ledger(f"{postgresql_url}?ssl=verify-full&sslrootcert={missing}")
    for call in (ledger.ready(), ledger.database.version()):
        assert f"sslrootcert={missing} cannot be read" in await refusal(call)


# -- encoding ----------------------------------------------------------------------------------------------


@pytest.fixture
async def narrow_url(postgres_url: URL) -> AsyncIterator[str]:
    """A database of an encoding that has no Ł."""
    async with new_database(postgres_url) as url:
        name = make_url(url).database
        await on_server(postgres_url, f"DROP DATABASE {name}")
        how = "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        await on_server(postgres_url, f"CREATE DATABASE {name} {how}")
        yield url


async def test_a_database_that_cannot_hold_every_address_is_refused(
    narrow_url: str, open_ledger: NewLedger
) -> None:
    """Given LATIN1, no worker begins: one address with Ł would hold its whole account for ever."""
    ledger = open_ledger(narrow_url)
    for call in (ledger.ready(), ledger.database.version(), ledger.take(ACCOUNT)):
        said = await refusal(call)
        assert "has the encoding LATIN1, which cannot hold every address: make a database" in said
        assert "secret" not in said
