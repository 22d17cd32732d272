"""What may happen to the ledger: nothing is applied without it, and nobody is wrong afterwards."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.chaos import ledger_faults
from tests.chaos.faults import Inject
from tests.chaos.harness import Arena
from tests.integration.harness import until

pytestmark = pytest.mark.timeout(180)


@asynccontextmanager
async def held_meanwhile(
    arena: Arena, fault: AbstractAsyncContextManager[None], said: str
) -> AsyncIterator[None]:
    """Fail unless the account is held for this reason, and calls nothing; afterwards it must go on."""
    async with fault:
        account = await arena.red()
        assert account["state"] == "held"
        assert said in account["last_error"]
        await asyncio.sleep(1)  # what was under way ends
        calls = arena.sandbox.journal.count(account=arena.main.name)
        await asyncio.sleep(2)
        assert arena.sandbox.journal.count(account=arena.main.name) == calls, "it applied without the ledger"
        yield
    await arena.green()
    names = [name for name in arena.worker.events_logged() if name in {"ledger_unavailable", "ledger_back"}]
    per_account = len(arena.creators)
    assert names.count("ledger_unavailable") == names.count("ledger_back")
    assert 1 <= names.count("ledger_back") <= per_account


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        pytest.param(ledger_faults.disk_full, "full", id="disk-full"),
        pytest.param(
            ledger_faults.moved_away, "was deleted while in use", id="deleted", marks=pytest.mark.full
        ),
        pytest.param(ledger_faults.locked, "locked", id="locked", marks=pytest.mark.full),
    ],
)
async def test_ledger_file(arena: Arena, fault: Inject, said: str) -> None:
    """Given a ledger that cannot be written, both accounts hold and say why; then they go on."""
    async with ledger_faults.own_disk(arena), arena.running(events=600, per_second=60):
        await arena.settled(100)
        async with held_meanwhile(arena, fault(arena), said):
            pass


@pytest.mark.full
async def test_ledger_damaged_while_the_worker_was_away(arena: Arena) -> None:
    """Given a damaged file at the start, the worker holds and says so; with the backup it goes on."""
    async with arena.running(events=600, per_second=60):
        await arena.settled(100)
        assert await arena.worker.stop() == 0
        file = ledger_faults.ledger_file(arena)
        backup = shutil.copy(file, file.with_name("backup"))
        content = bytearray(file.read_bytes())
        content[100 : len(content) // 2] = bytes(len(content) // 2 - 100)
        file.write_bytes(content)
        seen = len(arena.worker.log_lines())
        await arena.worker.launch()
        await until(lambda: "session_failed" in arena.worker.events_logged(seen))
        account = await arena.red()
        assert "the ledger" in account["last_error"]
        file.unlink()
        for rest in ("-wal", "-shm"):
            file.with_name(file.name + rest).unlink(missing_ok=True)
        shutil.copy(backup, file)
        await arena.green()


@pytest.mark.parametrize("how", ["stop", pytest.param("kill", marks=pytest.mark.full)])
async def test_postgres_goes_and_comes_back(arena: Arena, how: str) -> None:
    """Given a PostgreSQL that is stopped, or killed in mid-commit, the accounts hold, and nothing is lost."""
    async with ledger_faults.on_postgres(arena), arena.running(events=600, per_second=60):
        await arena.settled(100)
        async with held_meanwhile(arena, ledger_faults.postgres_down(how), "the ledger"):
            pass


async def test_postgres_killed_again_and_again(arena: Arena) -> None:
    """Given kills at any moment of a commit, nothing is applied twice in another order, and nothing lost."""
    async with ledger_faults.on_postgres(arena), arena.running(events=600, per_second=60):
        for _ in range(4):
            await arena.settled(len(arena.outcomes().of) + 30)
            async with ledger_faults.postgres_down("kill"):
                pass
        await arena.green()


@pytest.mark.full
async def test_postgres_read_only(arena: Arena) -> None:
    """Given a PostgreSQL that refuses writes, the accounts hold, and go on when it takes them again."""
    async with ledger_faults.on_postgres(arena), arena.running(events=600, per_second=60):
        await arena.settled(100)
        async with held_meanwhile(arena, ledger_faults.postgres_read_only(), "read-only"):
            pass
