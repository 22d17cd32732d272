"""Faults of the configuration, for rows and the soak."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tests.chaos.faults import fault
from tests.chaos.harness import Arena


@fault("file-half-written", group="configuration")
async def half_written(arena: Arena) -> AsyncIterator[None]:
    """Save the account's file in two halves, as an editor or a copy over the network may."""
    file = arena.account_file(arena.main)
    whole = file.read_bytes()
    file.write_bytes(whole[: whole.index(b"_env") - 2])
    try:
        yield
    finally:
        file.write_bytes(whole)


@fault("account-removed", group="configuration")
async def removed(arena: Arena) -> AsyncIterator[None]:
    """Take the account's file away, and put it back in the end."""
    file = arena.account_file(arena.main)
    whole = file.read_bytes()
    file.unlink()
    try:
        yield
    finally:
        file.write_bytes(whole)
