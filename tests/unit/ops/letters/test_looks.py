"""When a queue is gone through, so that the index says what is in it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog
from pydantic import SecretStr

from tests.unit.ops.letters.standing_queues import ACCOUNT, StandingQueues, queues, written
from tests.unit.page.letters import entry, ledger_in
from worker.errors import BrokerUnavailable
from worker.ledger.letter_index import LetterIndex
from worker.ledger.letters import LetterPlace
from worker.ops.letters.looks import FEW, PATIENCE, LetterLooks, Mismatch
from worker.ops.letters.turns import Turns

__all__ = ["queues"]

LARGE = FEW + 1


def looks(*numbers: tuple[int, int]) -> list[bool]:
    """Tell at which looks the queue is gone through, given its depth and the index's number at each."""
    seen, before = [], None
    for depth, indexed in numbers:
        now = Mismatch(depth, indexed).after(before)
        seen.append(now.is_to_be_seen(before))
        before = now
    return seen


@pytest.mark.parametrize("numbers", [(3, 2), (2, 3), (0, 5)])
def test_a_small_queue_is_gone_through_at_once(numbers: tuple[int, int]) -> None:
    assert looks(numbers) == [True]


def test_a_large_one_has_to_be_quiet() -> None:
    """Given a queue that grows while workers note each letter, it is gone through once both stand still."""
    assert looks((LARGE, LARGE - 3), (LARGE + 9, LARGE + 5), (LARGE + 9, LARGE + 5)) == [False, False, True]


def test_one_that_is_never_quiet_is_gone_through_after_a_while() -> None:
    assert looks(*((LARGE + look, 0) for look in range(PATIENCE))) == [False] * (PATIENCE - 1) + [True]


def test_where_some_are_copies_the_queue_is_not_gone_through_again_until_a_number_changes() -> None:
    """Given a queue that holds one letter twice, it rests until something comes or goes."""
    seen = Mismatch(3, 2, seen=True)
    same = Mismatch(3, 2).after(seen)
    assert (same.is_to_be_seen(seen), same) == (False, seen)
    for numbers in ((4, 2), (3, 1)):
        other = Mismatch(*numbers).after(same)
        assert other.is_to_be_seen(same)


async def test_what_an_archive_holds_and_the_index_does_not_is_found_and_what_it_does_not_is_dropped(
    queues: StandingQueues, tmp_path: Path
) -> None:
    """Given letters that nobody noted in the archive, and a row of one that is gone, a look puts it right."""
    queues["kit.sunny.archive"] += [written(f"letter-{number}", b"%d" % number) for number in (1, 2, 3)]
    depths = cast("Any", SimpleNamespace(dead_letters=lambda: {ACCOUNT: 1}, archived=lambda: {ACCOUNT: 3}))
    async with ledger_in(tmp_path) as ledger:
        await ledger.ready()
        index = LetterIndex(ledger)
        await index.met(ACCOUNT, [entry(9)], LetterPlace.DEAD)
        await index.met(ACCOUNT, [entry(8)], LetterPlace.ARCHIVE)

        await LetterLooks(SecretStr("amqp://127.0.0.1:9/"), index, depths, Turns()).look()

        (archive,) = await index.groups(ACCOUNT, LetterPlace.ARCHIVE)
        assert (archive.count, archive.newest.entry.id) == (3, "letter-3")
        assert await index.counts() == {ACCOUNT: 1}


async def test_a_queue_that_fails_holds_up_no_other(
    queues: StandingQueues, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an account whose queue fails at each look, that is said once, and the next one is seen."""
    queues[f"kit.{ACCOUNT}.dead"].append(written("letter-1"))
    depths = cast("Any", SimpleNamespace(dead_letters=lambda: {"rainy": 2, ACCOUNT: 1}, archived=dict))
    standing, in_use = queues.reading, "kit.rainy.dead: in exclusive use"

    def reading(connection: object, account: str, *, queue: str) -> AbstractAsyncContextManager[Any]:
        if account == "rainy":
            raise BrokerUnavailable(in_use)
        return standing(connection, account, queue=queue)

    monkeypatch.setattr("worker.ops.letters.looks.reading", reading)
    async with ledger_in(tmp_path) as ledger:
        await ledger.ready()
        looks = LetterLooks(SecretStr("amqp://127.0.0.1:9/"), LetterIndex(ledger), depths, Turns())
        with structlog.testing.capture_logs() as logs:
            await looks.look()
            await looks.look()
        assert await LetterIndex(ledger).counts() == {ACCOUNT: 1}
    assert [(line["account"], line["problem"]) for line in logs] == [("rainy", in_use)]
