"""`kit-worker allow`, as an operator types it: what is held, and what lets it through."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from tests.unit.examples import order
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch
from worker.subscribers.record import Record
from worker.subscribers.record_parts import HeldTag


@pytest.fixture(autouse=True)
def _three_are_held(config_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag is held of three people."""
    address = f"sqlite+aiosqlite:///{config_dir / 'ledger.db'}"
    monkeypatch.setenv("LEDGER_URL", address)

    async def hold() -> None:
        async with Ledger(Database(address), worker="w-1", clock=Clock()) as ledger:
            held = {"new": HeldTag("New", order(1), 1.0, "user.signed_up")}
            people = [Record(f"{name}@example.com", at, held=held) for at, name in enumerate("abc", 1)]
            await ledger.save(await ledger.take("sunny"), Batch(people, holds=True))

    asyncio.run(hold())


def test_without_a_word_more_it_shows_what_is_held_and_does_nothing(kit_worker: Command) -> None:
    shown, again = kit_worker("allow", "sunny"), json.loads(kit_worker("allow", "sunny", "--json").out)

    assert shown.code == 1
    assert "3 new taggings are held by max_new_taggings_per_hour. To let just these through:" in shown.out
    assert f"kit-worker allow sunny --plan {again['hash']}" in shown.out
    assert (again["count"], again["on_the_way"], again["let_through"]) == (3, 0, 0)


def test_some_are_let_through_and_then_just_the_rest(kit_worker: Command) -> None:
    some = kit_worker("allow", "sunny", "--count", "2")
    plan = json.loads(kit_worker("allow", "sunny", "--json").out)["hash"]
    rest = kit_worker("allow", "sunny", "--plan", plan)

    assert some.code == 1
    assert some.out.startswith("2 held taggings of sunny may go; 1 is still held.\n")
    assert (rest.code, rest.out) == (
        0, "1 held tagging of sunny may go.\n3 are let through, and on the way.\n",
    )  # fmt: skip


def test_another_plan_lets_nothing_through(kit_worker: Command) -> None:
    ended = kit_worker("allow", "sunny", "--plan", "0123456789")

    assert (ended.code, ended.out) == (2, "")
    assert "what is held in sunny is not what 0123456789 says any more" in ended.err
    assert json.loads(kit_worker("allow", "sunny", "--json").out)["count"] == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sunny", "--plan", "x", "--count", "1"], "give one of them"),
        (["sunny", "--count", "0"], "--count"),
        (["suny"], "did you mean sunny?"),
    ],
)
def test_a_slip_is_told(kit_worker: Command, words: list[str], said: str) -> None:
    ended = kit_worker("allow", *words)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
