"""A ledger in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.ledger.harness import NewLedger
from worker.ledger.store import Ledger


@pytest.fixture
def path(sqlite_url: str) -> Path:
    """Where the file is, or would be."""
    return Path(sqlite_url.partition(":///")[2])


@pytest.fixture
def ledger(sqlite_url: str, open_ledger: NewLedger) -> Ledger:
    """A ledger in that file."""
    return open_ledger(sqlite_url)
