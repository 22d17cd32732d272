"""The last 24 hours over HTTP."""

from __future__ import annotations

from pathlib import Path

from tests.unit.page.serve import TOKEN, admin, served
from worker.clock import Clock
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.subscribers.known import Batch, HistoryEntry


async def count(folder: Path, account: str, applied: int) -> None:
    """Have a worker write so many events that were applied."""
    clock = Clock()
    line = HistoryEntry("", None, "order.paid", clock.now(), clock.time(), "applied", age=2.0)
    url = f"sqlite+aiosqlite:///{folder / 'ledger.db'}"
    async with Ledger(Database(url), worker="w-1", clock=clock) as ledger:
        await ledger.save(await ledger.take(account), Batch(entries=[line] * applied, calls=5))


async def test_what_happened_in_a_day_is_drawn_of_each_account_and_of_all(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        await count(tmp_path, "sunny", 3)
        await count(tmp_path, "rainy", 4)
        await client.sign_in(TOKEN)
        everything, one = (await client.ask("/")).text, (await client.ask("/accounts/sunny")).text
        assert (
            'aria-label="Events in the last 24 hours: 7 applied, 0 superseded, 0 dead letters;' in everything
        )
        assert 'aria-label="Calls to Kit in the last 24 hours: 10;' in everything
        assert 'aria-label="Events in the last 24 hours: 3 applied' in one
        assert 'aria-label="From event to applied in the last 24 hours: 2.0 s on average' in one
        await client.follow(admin())
        assert "4 applied" not in (await client.ask("/accounts/sunny/_day")).text


async def test_a_ledger_that_is_not_there_yet_is_said(tmp_path: Path) -> None:
    async with served(tmp_path) as client:
        (tmp_path / "ledger.db").unlink()
        await client.sign_in(TOKEN)
        view = (await client.ask("/")).text
    assert "What happened is not known. There is no ledger yet" in view


async def test_a_part_that_has_not_changed_is_not_sent_again(tmp_path: Path) -> None:
    """Given a tab that says what it has, it hears that nothing is new, until something is."""
    async with served(tmp_path) as client:
        await client.sign_in(TOKEN)
        for part in ("/_accounts", "/accounts/sunny/_state", "/accounts/sunny/_day"):
            mark = (await client.ask(part)).headers["ETag"]
            again = await client.ask(part, headers={"If-None-Match": mark})
            assert (again.status, again.text, again.headers["ETag"]) == (304, "", mark)
        mark = (await client.ask("/accounts/sunny/_state")).headers["ETag"]
        await client.ask("/accounts/sunny/pause", {})
        changed = await client.ask("/accounts/sunny/_state", headers={"If-None-Match": mark})
        assert (changed.status, "is paused" in changed.text) == (200, True)
        whole = await client.ask("/", headers={"If-None-Match": mark})
        assert "ETag" not in whole.headers  # a view has a message, perhaps, that is shown once
