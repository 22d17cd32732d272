"""What time and the ledger may do: the order of events, and what is known, hold across processes."""

from __future__ import annotations

import shutil
from typing import Any, Final

import pytest

from tests.chaos.harness import Arena
from tests.integration.harness import until

pytestmark = pytest.mark.timeout(180)

MOMENT: Final = "2026-07-01T12:00:00Z"


def events_of(people: int, kind: str, prefix: str, time: str = MOMENT) -> list[dict[str, Any]]:
    """Return one event for each person, all of one moment."""
    return [
        {
            "id": f"{prefix}{number}", "type": kind, "time": time,
            "data": {
                "user": {"email": f"person{number}@example.com", "id": f"u-{number}"},
                "subscription": {"plan": "Annual"},
            },
        }
        for number in range(people)
    ]  # fmt: skip


async def test_tie_between_processes(arena: Arena) -> None:
    """Given two events of each person in one second, the later one stands, though an older process has it."""
    config = arena.folder / "config-early"
    (config / "accounts").mkdir(parents=True)
    shutil.copy(arena.account_file(arena.beside), config / "accounts")
    early = arena.add_worker("early", CONFIG_DIR=str(config))
    await early.launch()
    await until(lambda: "subscribed" in early.events_logged())
    async with arena.running(events=events_of(50, "subscription.started", "a"), workers=("late",)):
        await arena.settled(50)
        shutil.copy(arena.account_file(arena.main), config / "accounts")
        await until(lambda: any(
            line["event"] == "subscribed" and line["account"] == arena.main.name for line in early.log_lines()
        ))  # fmt: skip
        assert await arena.workers[-1].stop() == 0
        arena.publish(arena.main, events_of(50, "subscription.canceled", "b"))
        await arena.settled(100)
    assert arena.outcomes().total("superseded") == 0
