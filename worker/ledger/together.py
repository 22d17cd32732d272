"""What many ask for at the same moment, done for all of them in one go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Together(Generic[Question, Answer]):
    """Does one kind of work for all who wait for it.

    Whoever asks while it is under way is served by the next time: no answer is older than its question.
    Whoever is called off meanwhile takes nothing from the others; once all are, the work is called off, too.
    """

    def __init__(self) -> None:
        self._under_way: _Batch[Question, Answer] | None = None
        self._next: _Batch[Question, Answer] | None = None

    async def ask(
        self,
        question: Question,
        work: Callable[[Collection[Question]], Awaitable[Mapping[Question, Answer]]],
    ) -> Answer:
        """Return the answer to a question; raises what the work raises.

        Args:
            question: What is asked.
            work: Returns the answers to several questions; the same for all who ask.
        """
        batch = self._next
        if batch is None:
            batch = self._next = _Batch()
            batch.task = asyncio.create_task(self._carry_out(batch, self._under_way, work))
        batch.questions.add(question)
        batch.waiting += 1
        try:
            return (await asyncio.shield(batch.task))[question]
        finally:
            batch.waiting -= 1
            if not (batch.waiting or batch.task.done()):
                self._next = None if self._next is batch else self._next
                batch.task.cancel()
                await asyncio.wait({batch.task})

    async def _carry_out(
        self,
        batch: _Batch[Question, Answer],
        before: _Batch[Question, Answer] | None,
        work: Callable[[Collection[Question]], Awaitable[Mapping[Question, Answer]]],
    ) -> Mapping[Question, Answer]:
        if before is not None:
            await asyncio.wait({before.task})
        self._under_way, self._next = batch, None
        return await work(batch.questions)


class _Batch(Generic[Question, Answer]):
    """What is done in one go, and for how many who still wait."""

    task: asyncio.Task[Mapping[Question, Answer]]

    def __init__(self) -> None:
        self.questions: set[Question] = set()
        self.waiting = 0
