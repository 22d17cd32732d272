"""An account whose token allows bulk calls."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.kit.bulk_calls.together import LOGIN
from tests.unit.kit.harness import Account, account


@pytest.fixture
async def of() -> AsyncIterator[Account]:
    """An account with OAuth whose bulk answers come in any order."""
    async with account(login=LOGIN) as made:
        made.sandbox.bulk.shuffled = True
        yield made
