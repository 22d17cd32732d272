"""`kit-worker pause` and `resume`: for how long, why, and what `status` says of it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.pauses import Pause
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger


@pytest.fixture(autouse=True)
def url(config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ledger, as a worker has made it."""
    address = f"sqlite+aiosqlite:///{config_dir / 'ledger.db'}"
    monkeypatch.setenv("LEDGER_URL", address)

    async def make() -> None:
        async with Ledger(Database(address), worker="w-1", clock=Clock()) as ledger:
            await ledger.ready()

    asyncio.run(make())
    return address


def paused(url: str) -> dict[str, Pause]:
    """Return what workers hear."""

    async def look() -> dict[str, Pause]:
        async with Ledger(Database(url), worker="w-1", clock=Clock()) as ledger:
            return await Registry(ledger, "w-1").paused()

    return asyncio.run(look())


def test_a_pause_without_an_end_lasts_until_somebody_ends_it(kit_worker: Command, url: str) -> None:
    first, again = [kit_worker("pause", "sunny") for _ in range(2)]

    assert first.out == "sunny is paused; kit-worker resume sunny lets it go on.\n"
    assert again.out == "sunny was paused already.\n"
    assert (paused(url)["sunny"].until, paused(url)["sunny"].why) == (None, "")
    assert [kit_worker("resume", "sunny").out for _ in range(2)] == [
        "sunny goes on.\n", "sunny was not paused.\n",
    ]  # fmt: skip
    assert paused(url) == {}


@pytest.mark.parametrize(("lasts", "seconds"), [("30min", 1800), ("2h", 7200), ("1d", 86_400)])
def test_a_pause_ends_by_itself_after_some_time(
    kit_worker: Command, url: str, lasts: str, seconds: int
) -> None:
    ended = kit_worker("pause", "sunny", "--reason", "moving tags", "--for", lasts)

    pause = paused(url)["sunny"]
    assert pause.until == pytest.approx(time.time() + seconds, abs=60)
    assert pause.why == "moving tags"
    assert ended.out.startswith("sunny is paused; it goes on by itself at 20")


def test_a_pause_ends_by_itself_at_a_moment_and_status_tells_all_of_it(kit_worker: Command, url: str) -> None:
    """Given a pause that gets a reason and an end later on, both are told, and since when it rests stays."""
    kit_worker("pause", "sunny")
    since = paused(url)["sunny"].since
    kit_worker("pause", "sunny", "--until", "2999-12-24T18:00+01:00", "--reason", "moving ada@example.com")

    until = datetime(2999, 12, 24, 17, tzinfo=UTC).timestamp()
    assert paused(url) == {"sunny": Pause(since, until, "moving a…@example.com")}
    assert "until 2999-12-24T17:00:00Z (moving a…@example.com)" in kit_worker("status").out
    told = json.loads(kit_worker("status", "--json").out)["paused"]["sunny"]
    assert (told["until"], told["reason"]) == ("2999-12-24T17:00:00Z", "moving a…@example.com")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "2 weeks"], "--for 2 weeks: write it as 30min, 2h or 1d"),
        (["--for", "0h"], "--for 0h: write it as"),
        (["--until", "tomorrow"], "--until tomorrow: write it as 2026-12-24T18:00Z"),
        (["--until", "2001-01-01T00:00Z"], "--until 2001-01-01T00:00:00Z is over"),
        (["--for", "1h", "--until", "2999-01-01T00:00Z"], "give one of them"),
    ],
)
def test_an_end_that_is_none_is_refused(kit_worker: Command, url: str, words: list[str], said: str) -> None:
    ended = kit_worker("pause", "sunny", *words)

    assert (ended.code, said in ended.err) == (2, True)
    assert paused(url) == {}


def test_an_account_that_nobody_has_is_not_paused(kit_worker: Command) -> None:
    ended = kit_worker("pause", "suny")

    assert (ended.code, "did you mean sunny?" in ended.err) == (2, True)
