"""A person who was applied under the old address."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.unit.kit.addresses.desk import OLD, Desk
from tests.unit.kit.harness import account


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A person who was applied under the old address."""
    async with account() as of:
        desk = Desk(of)
        await desk.apply(desk.take(1, OLD))
        yield desk
