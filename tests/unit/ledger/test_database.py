"""What of the ledger's database is known before it is opened."""

from __future__ import annotations

import pytest

from worker.ledger.database import Database


@pytest.mark.parametrize("query", ["", "?ssl=require", "?host=db&user=kit&password=secret"])
def test_a_ledgers_name_holds_no_password(query: str) -> None:
    database = Database(f"postgresql+asyncpg://kit:secret@db/kit{query}")
    assert "secret" not in database.name
    assert database.name.startswith("postgresql+asyncpg://kit:***@db/kit")
