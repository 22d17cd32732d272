"""What of a ledger's connections is left once it is closed: nothing."""

from __future__ import annotations

import asyncio

import aiosqlite
import asyncpg
import pytest
from sqlalchemy import text

from worker.ledger.database import Database


async def test_a_connection_that_was_in_use_then_is_closed_when_it_is_given_back(ledger_url: str) -> None:
    """Given a transaction under way, it ends as it would have, and keeps neither a thread nor a session."""
    database, begun, closed = Database(ledger_url), asyncio.Event(), asyncio.Event()

    async def in_use() -> tuple[object, object]:
        async with database.read() as connection:
            driver = (await connection.get_raw_connection()).driver_connection
            begun.set()
            await closed.wait()
            return driver, await connection.scalar(text("SELECT 42"))

    using = asyncio.create_task(in_use())
    await begun.wait()
    await database.close()
    closed.set()
    driver, answer = await using

    assert answer == 42
    if isinstance(driver, aiosqlite.Connection):
        with pytest.raises(ValueError, match="no active connection"):
            await driver.execute("SELECT 1")
    else:
        assert isinstance(driver, asyncpg.Connection)
        assert driver.is_closed()
