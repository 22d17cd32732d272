"""All accounts' dead letters, for the page: what the index says, one with its body, and what is done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog

from worker.accounts.account import Account
from worker.broker.connection import Connection
from worker.broker.publisher import Publisher
from worker.broker.queues import connected
from worker.dead_letters import operations
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.mended import mended_message
from worker.dead_letters.reader import DeadLetterReader, reading
from worker.errors import LedgerUnavailable
from worker.ledger.letter_index import IndexedLetter, LetterIndex
from worker.ledger.letter_runs import LetterRuns
from worker.ledger.store import Ledger
from worker.ops.depths import Depths
from worker.ops.letters.looks import LetterLooks
from worker.ops.letters.runner import LetterRunner, TheseLetters, queue_of
from worker.ops.letters.turns import Turns
from worker.settings import Settings

log = structlog.get_logger()


class Letters:
    """The dead letters of all accounts.

    Args:
        settings: Where the broker is.
        ledger: Where the index is.
        depths: Looks at the queues' depths.
        account: Returns an account as its file is now; None where that has a mistake.

    Attributes:
        index: What the letters say, without their bodies.
        runs: What is done to them, and was.
        runner: Does it.
        turns: Of those who go through letters.
    """

    def __init__(
        self, settings: Settings, ledger: Ledger, depths: Depths, account: Callable[[str], Account | None]
    ) -> None:
        self._settings = settings
        self.turns = Turns()
        self.index = LetterIndex(ledger)
        self.runs = LetterRuns(ledger)
        self.runner = LetterRunner(settings, ledger, account, self.turns)
        self._looks = LetterLooks(settings.amqp_url, self.index, depths, self.turns)

    async def run(self) -> None:
        """Keep the index true, and carry out what people want, until cancelled; there has to be a ledger."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._looks.run())
            group.create_task(self.runner.run())

    async def whole(self, account: str, letter: IndexedLetter, *, within: float) -> DeadLetter | None:
        """Return a letter with its body and headers; None where it is not in its queue any more.

        Args:
            account: Whose.
            letter: As the index has it.
            within: Seconds for which whoever else goes through the letters is waited for.

        Raises:
            BrokerUnavailable: RabbitMQ does not answer.
            TimeoutError: Somebody went through the account's letters all the while, or holds some of them.
        """
        these = TheseLetters(frozenset({letter.entry.id}))
        async with self._turn(account, within), self._connected() as connection:
            queue = queue_of(account, letter.place)
            async with reading(connection, account, queue=queue) as reader:
                async for in_hand in operations.meant(reader, these, 1):
                    return in_hand.letter
                _check_all_seen(reader)
        return None

    async def mend(self, account: str, letter: IndexedLetter, text: str, *, within: float) -> bool:
        """Put a new event with another body into a letter's place, and take the letter off.

        Args:
            account: Whose.
            letter: As the index has it; it has to be among the dead letters.
            text: The new body.
            within: As for `whole`.

        Returns:
            Whether it was there still.

        Raises:
            EventError: The text is no JSON object.
            BrokerUnavailable: The letter is where it was, or both are there; mending it so again goes on.
            TimeoutError: As for `whole`; nothing was done.
        """
        these = TheseLetters(frozenset({letter.entry.id}))
        async with self._turn(account, within), self._connected() as connection:
            taken = await self._mend(connection, account, these, text)
        try:
            await self.index.gone(account, these.ids)
        except LedgerUnavailable as error:  # it is done by then; a look at the queue drops the row
            log.warning("dead_letters_not_indexed", account=account, problem=str(error))
        return taken

    async def _mend(self, connection: Connection, account: str, these: TheseLetters, text: str) -> bool:
        async with self._connected() as publishing, reading(connection, account) as reader:
            async for in_hand in operations.meant(reader, these, 1):
                if not in_hand.is_copy:
                    message = mended_message(in_hand.delivery, in_hand.letter, text)
                    await Publisher(publishing).publish(message)
                await reader.take_off(in_hand)
            if not reader.taken_off:
                _check_all_seen(reader)
            return reader.taken_off > 0

    @asynccontextmanager
    async def _turn(self, account: str, within: float) -> AsyncIterator[None]:
        turn = self.turns.of(account)
        async with asyncio.timeout(within):
            await turn.acquire()
        try:
            yield
        finally:
            turn.release()

    def _connected(self) -> AbstractAsyncContextManager[Connection]:
        return connected(self._settings.amqp_url.get_secret_value(), "page")


def _check_all_seen(reader: DeadLetterReader) -> None:
    """Raise `TimeoutError` where somebody else holds letters: what was not seen may be among them."""
    if not reader.saw_all:
        raise TimeoutError(f"{reader.queue}: another tool holds letters")
