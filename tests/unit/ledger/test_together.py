"""What many ask for is done once for all who wait, and never too early for any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

import pytest

from tests.unit.virtual_time import run
from worker.ledger.together import Together


class Work:
    """Takes a second for any number of questions; answers with the time at which it began."""

    def __init__(self) -> None:
        self.done: list[set[str]] = []
        self.error: Exception | None = None

    async def __call__(self, questions: Collection[str]) -> Mapping[str, float]:
        """Answer."""
        began = asyncio.get_running_loop().time()
        self.done.append(set(questions))
        await asyncio.sleep(1)
        if self.error is not None:
            raise self.error
        return dict.fromkeys(questions, began)


def test_all_who_wait_are_served_by_the_next_and_no_answer_is_older_than_its_question() -> None:
    work = Work()

    async def main() -> None:
        together: Together[str, float] = Together()
        asked = []
        for second, name in enumerate(("a", "b", "c", "d", "b")):
            asked.append((second * 0.3, asyncio.create_task(together.ask(name, work))))
            await asyncio.sleep(0.3)
        for at, task in asked:
            assert await task >= at
        await together.ask("later", work)

    run(main())
    assert work.done == [{"a"}, {"b", "c", "d"}, {"b"}, {"later"}]


def test_those_who_ask_in_one_moment_are_served_at_once() -> None:
    work = Work()

    async def main() -> None:
        together: Together[str, float] = Together()
        assert set(await asyncio.gather(*(together.ask(str(each), work) for each in range(100)))) == {0.0}

    run(main())
    assert len(work.done) == 1


def test_a_failure_is_told_to_all_who_waited_for_it_and_to_nobody_after() -> None:
    work = Work()

    async def main() -> None:
        together: Together[str, float] = Together()
        work.error = OSError("it is full")
        failed = await asyncio.gather(
            together.ask("a", work), together.ask("b", work), return_exceptions=True
        )
        assert list(failed) == [work.error] * 2
        work.error = None
        assert await together.ask("a", work) == 1.0

    run(main())


def test_whoever_is_called_off_takes_nothing_from_the_others() -> None:
    work = Work()

    async def main() -> None:
        together: Together[str, float] = Together()
        first, second = (asyncio.create_task(together.ask(name, work)) for name in "ab")
        await asyncio.sleep(0.5)
        first.cancel()
        assert await second == 0.0
        with pytest.raises(asyncio.CancelledError):
            await first

    run(main())


def test_what_nobody_waits_for_any_more_is_called_off_and_over_when_the_last_one_is() -> None:
    """Given a worker that stops, nothing is left in the ledger's hands; whoever asks later is served."""

    async def main() -> None:
        work, together = Work(), Together[str, float]()
        asking = [asyncio.create_task(together.ask(name, work)) for name in "ab"]
        await asyncio.sleep(0.5)
        asking += [asyncio.create_task(together.ask(name, work)) for name in "cd"]
        await asyncio.sleep(0.1)
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert work.done == [{"a", "b"}]
        assert await together.ask("later", work) == pytest.approx(0.6)
        assert work.done == [{"a", "b"}, {"later"}]

    run(main())
