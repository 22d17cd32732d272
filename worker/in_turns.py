"""Long work on one event loop, in pieces: others have their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

AT_ONCE: Final = 50
"""Things of a list between two turns of others; a few milliseconds."""


async def in_turns(things: Iterable[T]) -> AsyncIterator[T]:
    """Yield the things of a list, and let everybody else on the loop have their turn after every few."""
    for number, thing in enumerate(things, start=1):
        yield thing
        if number % AT_ONCE == 0:
            await asyncio.sleep(0)
