from __future__ import annotations

import pytest

from tests.integration.ledger.tokens.granted import KEY, seal
from worker.ledger.store import Ledger
from worker.ledger.tokens import TokenStore


@pytest.fixture
def store(ledger: Ledger) -> TokenStore:
    return TokenStore(ledger, seal(KEY))
