"""Looks at people, one after the other: found again, ended when nobody asks, and forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.accounts.harness import KIT, parse
from tests.unit.kept_people import Sent, apply_events
from worker.accounts.account import Account
from worker.clock import Clock
from worker.errors import LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.store import Ledger
from worker.page import people_looks
from worker.page.people_looks import CRASHED, KEPT_FOR, LEFT, LEFT_ALONE, MOST, NEWER, PeopleLooks, mark_of

BEFORE = parse(f"{KIT}events: {{order.paid: {{add_tags: [Buyer]}}}}\n")
AFTER = parse(f"{KIT}events: {{order.paid: {{add_tags: [VIP]}}}}\n")
PEOPLE = 300


class SetClock(Clock):
    """A clock that goes as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def monotonic(self) -> float:
        """Return the seconds that have passed."""
        return self.passed


def bought(number: int) -> Sent:
    return Sent("order.paid", {"user": {"email": f"person{number}@example.com"}}, number)


@asynccontextmanager
async def running(looks: PeopleLooks) -> AsyncIterator[None]:
    task = asyncio.create_task(looks.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'ledger.db'}")
    async with Ledger(database, worker="one", clock=Clock()) as ledger:
        await apply_events(ledger, BEFORE, map(bought, range(PEOPLE)))
        yield ledger


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def looks(ledger: Ledger, clock: SetClock) -> PeopleLooks:
    return PeopleLooks(ledger, clock, 0)


def other(name: str) -> tuple[Account, Account]:
    return replace(BEFORE, name=name), replace(AFTER, name=name)


async def test_a_look_tells_what_it_has_found_and_is_found_again(looks: PeopleLooks) -> None:
    async with running(looks):
        look = await looks.look("m", BEFORE, AFTER)
        await look.ended.wait()
        again = await looks.look("m", BEFORE, AFTER)
    assert look is again is looks.find(BEFORE.name, "m")
    assert look.told is not None
    assert (look.seen, look.expected) == (PEOPLE, PEOPLE)
    assert look.told.sentence == "300 of 300 people would be treated otherwise."


async def test_a_look_is_nobodys_of_another_account(looks: PeopleLooks) -> None:
    await looks.look("m", BEFORE, AFTER)
    assert looks.find("rainy", "m") is None


def test_each_change_has_its_own_mark() -> None:
    marks = {mark_of(*each) for each in ((BEFORE, "a", "b"), (BEFORE, "b", "a"), (other("o")[0], "a", "b"))}
    assert len(marks) == 3


async def test_the_next_change_of_an_account_ends_the_look_at_the_one_before(looks: PeopleLooks) -> None:
    first = await looks.look("m", BEFORE, AFTER)
    second = await looks.look("n", BEFORE, AFTER)
    assert (first.problem, second.problem) == (NEWER, "")
    async with running(looks):
        await second.ended.wait()
        assert await looks.look("m", BEFORE, AFTER) is not first
    assert first.told is None
    assert second.told is not None


async def test_accounts_are_looked_at_one_after_the_other(looks: PeopleLooks) -> None:
    first, second = await looks.look("m", BEFORE, AFTER), await looks.look("n", *other("rainy"))
    async with running(looks):
        await first.ended.wait()
        assert second.begun_at is None
        await second.ended.wait()
    assert second.told is not None
    assert second.told.sentence == "Nobody would be treated otherwise, of 0 people."


async def test_one_that_nobody_asks_for_ends(looks: PeopleLooks, clock: SetClock) -> None:
    look = await looks.look("m", BEFORE, AFTER)
    clock.passed += LEFT_ALONE + 1
    async with running(looks):
        await look.ended.wait()
    assert (look.problem, look.seen < PEOPLE) == (LEFT, True)


async def test_what_is_left_is_told_by_what_was_seen(looks: PeopleLooks) -> None:
    look = await looks.look("m", BEFORE, AFTER)
    assert look.left(10.0) is None
    look.begun_at, look.expected, look.seen = 0.0, 300, 100
    assert look.left(10.0) == 20.0


async def test_ended_looks_are_forgotten_by_age_and_by_number(looks: PeopleLooks, clock: SetClock) -> None:
    async with running(looks):
        for number in range(MOST + 2):
            await (await looks.look(f"m{number}", *other(f"o{number}"))).ended.wait()
        assert looks.find("o0", "m0") is None
        assert looks.find("o5", "m5") is not None
        clock.passed += KEPT_FOR + 1
        await (await looks.look("m", BEFORE, AFTER)).ended.wait()
    assert looks.find("o5", "m5") is None


async def test_what_goes_wrong_is_told_and_the_next_look_goes_on(
    looks: PeopleLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("a bug")

    async with running(looks):
        with monkeypatch.context() as patch:
            patch.setattr(people_looks, "file_impact", crash)
            look = await looks.look("m", BEFORE, AFTER)
            await look.ended.wait()
        assert look.problem == CRASHED
        again = await looks.look("m", BEFORE, AFTER)
        await again.ended.wait()
    assert again.told is not None


async def test_without_the_ledger_that_is_told(looks: PeopleLooks, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> int:
        raise LedgerUnavailable("it is away")

    monkeypatch.setattr(people_looks, "count_people", away)
    async with running(looks):
        look = await looks.look("m", BEFORE, AFTER)
        await look.ended.wait()
    assert look.problem == "The ledger cannot be read: it is away."


async def test_a_look_gives_way_while_a_view_is_made(
    looks: PeopleLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a view that takes its time, no more people are looked at than one in each pause."""
    monkeypatch.setattr(people_looks, "PAUSE", 60.0)
    async with running(looks):
        with looks.answering():
            look = await looks.look("m", BEFORE, AFTER)  # whoever asks for the look is not in its way
            await asyncio.sleep(0)
            seen = look.seen
            for _ in range(PEOPLE):
                await asyncio.sleep(0)
            assert look.seen == seen
        await look.ended.wait()
    assert look.told is not None


async def test_a_view_that_takes_long_only_slows_a_look(
    looks: PeopleLooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_looks, "PAUSE", 0.0)
    async with running(looks):
        with looks.answering():
            await (await looks.look("m", BEFORE, AFTER)).ended.wait()


async def test_a_stop_ends_a_look_at_once(looks: PeopleLooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a look under way, whoever stops the page waits for no more than one person."""
    monkeypatch.setattr(people_looks, "WITHIN", 0.0)
    async with running(looks):
        look = await looks.look("m", BEFORE, AFTER)
        while not look.seen and not look.ended.is_set():
            await asyncio.sleep(0)
    seen = look.seen
    await asyncio.sleep(0)
    assert look.seen == seen < PEOPLE
