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
    Whoever is called off meanwhile takes nothing from the others.
    """

    def __init__(self) -> None:
        self._questions: set[Question] = set()
        self._under_way: asyncio.Task[Mapping[Question, Answer]] | None = None
        self._next: asyncio.Task[Mapping[Question, Answer]] | None = None

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
        self._questions.add(question)
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._under_way, work))
        return (await asyncio.shield(self._next))[question]

    async def _after(
        self,
        before: asyncio.Task[Mapping[Question, Answer]] | None,
        work: Callable[[Collection[Question]], Awaitable[Mapping[Question, Answer]]],
    ) -> Mapping[Question, Answer]:
        if before is not None:
            await asyncio.wait({before})
        questions, self._questions = self._questions, set()
        self._under_way, self._next = self._next, None
        return await work(questions)
