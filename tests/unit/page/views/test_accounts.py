"""All accounts and workers at a glance, over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import StandingClock
from tests.unit.page.serve import TOKEN, Client, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.registry import LIVE_FOR, Registry
from worker.ledger.store import Ledger

PLAIN = {"state": "waiting", "kit_calls": 0, "oldest_unsettled_seconds": 0.0}


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        yield client


async def say(folder: Path, worker: str, accounts: Mapping[str, Any], *, before: float = 0.0) -> None:
    """Have a worker say how its accounts stand, so many seconds ago."""
    url, clock = f"sqlite+aiosqlite:///{folder / 'ledger.db'}", StandingClock(Clock().time() - before)
    async with Ledger(Database(url), worker=worker, clock=clock) as ledger:
        await Registry(ledger, worker).beat(accounts)


async def words(client: Client, path: str = "/_accounts") -> str:
    """Return what a view says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", (await client.ask(path)).text).split())


async def test_each_account_tells_its_oldest_event_and_its_calls(client: Client, tmp_path: Path) -> None:
    report = {"state": "running", "kit_calls": 17, "oldest_unsettled_seconds": 41.7}
    await say(tmp_path, "w-1", {"sunny": report, "rainy": PLAIN})
    told = await words(client)
    assert "sunny Events are being applied. w-1 not known yet 42 s not known yet 17 of 120" in told
    assert "as soon as it comes. w-1 not known yet \N{EN DASH} not known yet 0 of 120" in told


async def test_a_worker_that_has_an_older_file_in_force_is_told(client: Client, tmp_path: Path) -> None:
    """Given one worker with an older file, and one of before workers told, the first alone lacks it."""
    older = {**PLAIN, "config_hash": "of-before"}
    await say(tmp_path, "w-1", {"sunny": older, "rainy": PLAIN})
    await say(tmp_path, "w-2", {"sunny": PLAIN, "rainy": PLAIN})
    told = await words(client)
    assert "Its file: in force on 1 of 2 workers." in told
    assert "w-1 0.1.0 0 of 2 not of sunny yes" in told
    assert "w-2 0.1.0 0 of 2 all yes" in told


async def test_a_worker_that_is_gone_says_when_it_gave_its_last_sign(client: Client, tmp_path: Path) -> None:
    await say(tmp_path, "w-1", {"sunny": PLAIN}, before=LIVE_FOR + 120)
    assert "gone; last sign 4 min ago" in await words(client)


async def test_only_those_are_shown_that_need_somebody(client: Client, tmp_path: Path) -> None:
    """Given one account that works and one that Kit refuses, the second one alone needs anybody."""
    await say(tmp_path, "w-1", {"sunny": PLAIN, "rainy": {**PLAIN, "state": "credential_refused"}})
    told = await words(client, "/?only=wrong")
    assert "1 account that needs somebody" in told
    assert ("rainy Kit refuses" in told, "sunny" in told) == (True, False)
    assert "No account with “sun” needs anybody." in await words(client, "/?only=wrong&find=sun")
    assert "/_accounts?find=&amp;only=wrong&amp;after=" in (await client.ask("/?only=wrong")).text
