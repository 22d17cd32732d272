"""What happens while somebody is erased, which takes long: others go on, the person moves, it is stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.ledger.forgetting.people import HOME, WORK, about
from tests.integration.ledger.harness import ACCOUNT, ADA, BOB, contents, entry, fill, record
from worker.ledger import forgetting as forgetting_module
from worker.ledger import mentions
from worker.ledger.forgetting import Erased, forget
from worker.ledger.history import find_history
from worker.ledger.store import Ledger
from worker.ledger.takeover import Tenure
from worker.subscribers.known import Batch, Person


@asynccontextmanager
async def half_way(
    monkeypatch: pytest.MonkeyPatch, ledger: Ledger
) -> AsyncIterator[asyncio.Task[list[Erased]]]:
    """Forget Ada, who has moved, a line at a time; the block runs when the first is done, and it waits."""
    go_on, is_half_way = asyncio.Event(), asyncio.Event()
    end_of_portion = mentions._end_of_portion
    portions = 0

    async def pausing(*asked: Any) -> int | None:  # noqa: ANN401  # as the original has them
        nonlocal portions
        portions += 1
        if portions == 2:
            is_half_way.set()
            await go_on.wait()
        return await end_of_portion(*asked)

    monkeypatch.setattr(mentions, "PORTION", 1)
    monkeypatch.setattr(mentions, "_end_of_portion", pausing)
    forgetting = asyncio.create_task(forget(ledger, WORK, []))
    async with asyncio.timeout(10):
        await is_half_way.wait()
        yield forgetting
        go_on.set()
        await asyncio.wait({forgetting})


async def with_mentions(ledger: Ledger) -> Tenure:
    """Ada, who moved from home to work, and lines of nobody and of Bob that mention her."""
    hers = [record(HOME, moved_to=WORK), record(WORK, "VIP")]
    lines = [entry(BOB, f"1 {WORK}"), entry(WORK, "hers"), entry(BOB, f"2 {HOME}"), entry("", f"3 {WORK}")]
    return await fill(ledger, Batch(hers, [Person("u-a", WORK, 5.0)], lines))


async def test_workers_go_on_while_the_history_is_looked_through(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a history that takes long, accounts are written meanwhile, and what is new is erased as well."""
    tenure = await with_mentions(ledger)
    async with half_way(monkeypatch, ledger) as forgetting:
        async with asyncio.timeout(3):
            await ledger.save(tenure, Batch(entries=[entry(BOB, f"4 {HOME}"), entry("", f"5 {WORK}")]))
        assert not forgetting.done()
    assert [(each.records, each.history) for each in forgetting.result()] == [(2, 1)]
    assert about(await contents(ledger), HOME, WORK, "u-a") == []
    found = await find_history(ledger.database, account=ACCOUNT)
    assert [line.event_id for line in found] == ["1 (erased)", "2 (erased)", "4 (erased)"]


async def test_who_is_stopped_half_way_forgets_again_under_every_address(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a kill while the history is looked through, all is there to find the rest by, the next time."""
    await with_mentions(ledger)
    async with half_way(monkeypatch, ledger) as forgetting:
        forgetting.cancel()
        await asyncio.wait({forgetting})
    assert forgetting.cancelled()
    assert about(await contents(ledger), "u-a")
    monkeypatch.undo()

    (erased,) = await forget(ledger, HOME, [])

    assert (erased.records, erased.history, set(erased.addresses)) == (2, 1, {HOME, WORK})
    assert about(await contents(ledger), HOME, WORK, "u-a") == []


async def test_who_moves_meanwhile_is_forgotten_there_too(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Ada, who moves on while the history is looked through, mentions of her new address are erased."""
    tenure = await with_mentions(ledger)
    await ledger.save(tenure, Batch(entries=[entry(BOB, f"6 {ADA}"), entry(BOB, "7")], number=2))
    async with half_way(monkeypatch, ledger) as forgetting:
        moved = [record(WORK, moved_to=ADA), record(ADA, "VIP")]
        await ledger.save(tenure, Batch(moved, [Person("u-a", ADA, 6.0)], moves=[(WORK, ADA)], number=3))
    (erased,) = forgetting.result()
    assert (erased.records, erased.history) == (3, 1)
    assert about(await contents(ledger), HOME, WORK, ADA, "u-a") == []


async def test_an_erasing_that_has_begun_ends_though_it_is_called_off(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given Ctrl-C while the rows themselves go, then they are gone, and whoever asked is told of it."""
    await with_mentions(ledger)
    told: list[Erased] = []
    begun, erase = asyncio.Event(), forgetting_module._erase

    async def noted(*given: Any, **named: Any) -> Any:  # noqa: ANN401  # as the original has them
        begun.set()
        return await erase(*given, **named)

    monkeypatch.setattr(forgetting_module, "_erase", noted)
    forgetting = asyncio.create_task(forget(ledger, WORK, [], told.extend))
    await begun.wait()
    forgetting.cancel()
    await asyncio.wait({forgetting})
    assert forgetting.cancelled()
    assert [each.records for each in told] == [2]
    assert about(await contents(ledger), HOME, WORK, "u-a") == []
