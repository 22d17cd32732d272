"""Work with the ledger that is done to its end, though whoever began it is stopped meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def wholly(work: Coroutine[Any, Any, T]) -> T:
    """Do something to its end; whoever calls it off meanwhile waits for that."""
    working = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await working
        raise
