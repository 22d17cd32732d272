"""One look at the ledger answers all who ask meanwhile, and nobody who asked after it began."""

from __future__ import annotations

import asyncio

import pytest

from worker.errors import LedgerUnavailable
from worker.ledger.probe import Probe


class Looks:
    """Looks that take until they are told to end."""

    def __init__(self) -> None:
        self.begun = 0
        self.end = asyncio.Event()
        self.problem = ""

    async def __call__(self) -> None:
        """Look."""
        self.begun += 1
        await self.end.wait()
        if self.problem:
            raise LedgerUnavailable(self.problem)


async def turn() -> None:
    """Let everybody else come as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_thousand_who_ask_at_once_make_two_looks() -> None:
    """Given one look under way, those who asked while it was share the next one."""
    looks = Looks()
    probe = Probe(looks)
    first = asyncio.create_task(probe.ready())
    await turn()
    others = [asyncio.create_task(probe.ready()) for _ in range(1000)]
    await turn()
    assert looks.begun == 1
    looks.end.set()
    await asyncio.gather(first, *others)
    assert looks.begun == 2


async def test_who_asks_later_gets_a_look_of_their_own() -> None:
    """Given a look that has ended well, it says nothing of now."""
    looks = Looks()
    looks.end.set()
    probe = Probe(looks)
    await probe.ready()
    looks.problem = "the disk is full"
    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        await probe.ready()
    looks.problem = ""
    await probe.ready()
    assert looks.begun == 3


async def test_a_failure_is_told_to_all_who_waited_for_it() -> None:
    """Given a ledger that does not answer, a thousand accounts do not wait for it one after another."""
    looks = Looks()
    looks.problem = "no answer"
    probe = Probe(looks)
    waiting = [asyncio.create_task(probe.ready()) for _ in range(1000)]
    await turn()
    looks.end.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {(type(each), str(each)) for each in results} == {(LedgerUnavailable, "no answer")}
    assert looks.begun == 2


async def test_a_look_that_was_called_off_answers_nobody() -> None:
    """Given an account that is stopped while it looks for others, they look by themselves."""
    looks = Looks()
    probe = Probe(looks)
    first = asyncio.create_task(probe.ready())
    await turn()
    others = [asyncio.create_task(probe.ready()) for _ in range(3)]
    await turn()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    looks.problem = "no answer"
    looks.end.set()
    results = await asyncio.gather(*others, return_exceptions=True)
    assert [str(each) for each in results] == ["no answer"] * 3
    assert looks.begun == 2
