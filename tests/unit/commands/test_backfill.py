"""`kit-worker backfill`, as an admin types it: over a ledger of its own, without a worker."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.unit.commands.conftest import Command
from worker.clock import Clock
from worker.ledger import registry
from worker.ledger.database import Database
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ledger.timers import Timers

FILE = """\
app: moon
kit: {api_key_env: KIT_API_KEY_MOON}
events:
  order.paid: {add_tags: [Buyer, Customer]}
fields: {data.total: Total}
"""
TABLE = """\
email,type,time,data.total,Notes
ada@example.com,order.paid,2024-01-01T00:00:00Z,42,a
bob@example.com,order.paid,2024-01-01,42,a
cy@example.com,order.lost,2024-01-01T00:00:00Z,,
ada@example.com,order.paid,2024-01-03T00:00:00Z,43,
"""


@pytest.fixture
def table(config_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A file of members of the account `moon`, of whom nobody is known."""
    (config_dir / "accounts" / "moon.yaml").write_text(FILE)
    monkeypatch.setenv("LEDGER_URL", f"sqlite+aiosqlite:///{config_dir / 'ledger.db'}")
    asyncio.run(with_ledger(config_dir))
    path = config_dir / "members.csv"
    path.write_text(TABLE)
    capsys.readouterr()  # that a ledger was made
    return str(path)


async def with_ledger(folder: Path, version: str = "") -> int:
    """Make a ledger, in which a worker of another version may be at work; return how many timers it has."""
    database = Database(f"sqlite+aiosqlite:///{folder / 'ledger.db'}")
    async with Ledger(database, worker="one", clock=Clock()) as ledger:
        if version:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(registry, "VERSION", version)
                await Registry(ledger, "one").beat({})
        return await Timers(ledger).count("moon", "backfill-")


def test_a_plan_tells_rows_people_and_new_taggings(kit_worker: Command, table: str) -> None:
    ended = kit_worker("backfill", "plan", "moon", table)
    assert (ended.code, ended.err) == (2, "")
    for said in (
        "Columns that are not read: Notes",
        "2 rows are taken in; of these",
        "  1 are older than what is known",
        "1 rows are left out: no mapping of the account's file names their type",
        "  line 3: time: lacks its offset from UTC, such as Z or +02:00",
        "1 of 1 people would have something otherwise.",
        "2 new taggings",
    ):
        assert said in ended.out, ended.out


def test_the_json_has_the_same_for_programs(kit_worker: Command, table: str) -> None:
    ended = kit_worker("backfill", "plan", "moon", table, "--json")
    told = json.loads(ended.out)
    assert told["wrong"] == [{"line": 3, "why": "time: lacks its offset from UTC, such as Z or +02:00"}]
    assert told["ends"] == {"applied": 1, "superseded": 1}
    assert (told["new_people"], told["new_taggings_in_all"], told["rows"]) == (1, 2, 2)
    assert told["new_taggings"] == {"Buyer": 1, "Customer": 1}


def test_nothing_is_handed_over_that_nobody_has_agreed_to(
    kit_worker: Command, table: str, config_dir: Path
) -> None:
    run = ("backfill", "run", "moon", table, "--no-wait")
    refused = kit_worker(*run, "--yes", "2")
    assert (refused.code, "1 rows are wrong" in refused.err) == (2, True)
    refused = kit_worker(*run, "--yes", "1", "--skip-wrong")
    assert (refused.code, "there would be 2 new taggings by now, not 1" in refused.err) == (2, True)
    assert asyncio.run(with_ledger(config_dir, version="0.0.1")) == 0
    refused = kit_worker(*run, "--yes", "2", "--skip-wrong")
    assert (refused.code, "workers of another version are at work (0.0.1)" in refused.err) == (2, True)
    assert asyncio.run(with_ledger(config_dir)) == 0


def test_whoever_agrees_hands_the_rows_over_once(kit_worker: Command, table: str, config_dir: Path) -> None:
    run = ("backfill", "run", "moon", table, "--no-wait", "--yes", "2", "--skip-wrong")
    first, second = kit_worker(*run), kit_worker(*run)
    assert (first.code, second.code) == (1, 1)
    assert "It goes on without this command" in first.out
    assert "2 of 2 rows wait." in second.out
    assert asyncio.run(with_ledger(config_dir)) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--map", "Notes"], "--map Notes: should be COLUMN=PATH"),
        (["--map", "Nets=user.id"], "there is no such column; did you mean Notes?"),
        (["--as-of", "yesterday"], "--as-of: must be an ISO 8601 time"),
        (["--app", "sun"], "--app sun: the account takes moon"),
        (["--known", "--marker-tag", "Old"], "nobody can get a --marker-tag by it"),
    ],
)
def test_what_cannot_be_meant_is_said(kit_worker: Command, table: str, words: list[str], said: str) -> None:
    ended = kit_worker("backfill", "plan", "moon", table, *words)
    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_a_file_that_is_not_there_is_named(kit_worker: Command, table: str) -> None:
    ended = kit_worker("backfill", "plan", "moon", f"{table}.none")
    assert (ended.code, "cannot be read: No such file" in ended.err) == (2, True)
    ended = kit_worker("backfill", "undo", "moon", "backfill-0")
    assert (ended.code, "moon has had no run backfill-0" in ended.err) == (2, True)


def test_tables_go_into_a_folder_that_is_empty(kit_worker: Command, table: str, tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    words = ("backfill", "as-csv", "moon", table, "--into", str(folder))
    ended = kit_worker(*words)
    assert (ended.code, "line 3:" in ended.out) == (2, True), ended.out
    assert sorted(path.name for path in folder.iterdir()) == [
        "1-values-1.csv", "2-tag-1.csv", "2-tag-2.csv",
    ]  # fmt: skip
    assert (folder / "1-values-1.csv").read_text() == "email,Total\nada@example.com,43\n"
    (tmp_path / "none.csv").write_text("email,type,time\n")
    none = kit_worker(*words[:3], str(tmp_path / "none.csv"), "--into", str(tmp_path / "none"))
    assert (none.code, none.out) == (0, "There is nothing to upload: these rows change nobody.\n")
    (tmp_path / "members.csv").write_text("hello")
    again = kit_worker(*words)
    assert (again.code, "there is something in it" in again.err) == (2, True), "it was planned first"
