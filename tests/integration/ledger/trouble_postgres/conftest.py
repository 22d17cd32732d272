"""The ledger of these tests is in PostgreSQL."""

from __future__ import annotations

import pytest

from tests.integration.ledger.harness import NewLedger
from worker.ledger.store import Ledger


@pytest.fixture
def ledger(postgresql_url: str, open_ledger: NewLedger) -> Ledger:
    """A ledger in PostgreSQL."""
    return open_ledger(postgresql_url)
