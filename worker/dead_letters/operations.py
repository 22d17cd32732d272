"""Operations on dead letters: read, replay, move, discard. None of them ever loses one.

Reading consumes and acks nothing: when the channel closes, everything goes back to where it was. Replaying
and moving ack a dead letter only once RabbitMQ has confirmed that the other queue has it. Copies of a dead
letter are one, and share its fate.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace

from worker.broker.connection import Connection
from worker.broker.publisher import Outgoing, Publisher
from worker.dead_letters.as_it_is import as_it_is
from worker.dead_letters.letter import DeadLetter, replay_message
from worker.dead_letters.reader import WINDOW, DeadLetterReader, LetterInHand, reading
from worker.dead_letters.selection import Selects
from worker.events.event import REPLAY_RUN


async def whole_letters(
    connection: Connection,
    account: str,
    selection: Selects,
    *,
    queue: str = "",
    count: int | None = None,
) -> AsyncGenerator[DeadLetter]:
    """Yield the matching dead letters with their bodies and headers, and leave them where they are.

    Args:
        connection: On which they come.
        account: Whose.
        selection: Which.
        queue: Where they are, if not in the account's dead-letter queue.
        count: How many there can be; what lies far behind the last of them is not looked at.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer, or went away meanwhile.
    """
    async with reading(connection, account, queue=queue) as reader:
        async for letter in letters_meant(reader, selection, count):
            yield letter


async def letters_meant(
    reader: DeadLetterReader, selection: Selects, count: int | None = None
) -> AsyncGenerator[DeadLetter]:
    """Yield the matching letters, each once; see `meant`."""
    async for in_hand in meant(reader, selection, count):
        if not in_hand.is_copy:
            yield in_hand.letter


async def meant(
    reader: DeadLetterReader, selection: Selects, count: int | None
) -> AsyncIterator[LetterInHand]:
    """Yield the matching letters; once so many were found, it looks only right behind them, for copies."""
    found = beyond = 0
    async for in_hand in reader.letters():
        if selection.matches(in_hand.letter):
            yield in_hand
            found += not in_hand.is_copy
        beyond += count is not None and found >= count
        if beyond > WINDOW:
            return


async def replay(  # noqa: PLR0913  # which of which, through what, and who hears of it
    connection: Connection,
    publisher: Publisher,
    account: str,
    selection: Selects,
    done: Callable[[DeadLetter], None],
    *,
    count: int | None = None,
    run: int | None = None,
) -> bool:
    """Put the matching dead letters back into the work queue, oldest first.

    It stops where the reader does (`DeadLetterReader.letters`): after as many as there were when it began. An
    event that fails again comes in at the end, and would otherwise go round for ever.

    Args:
        connection: To take dead letters off with; not the one that `publisher` publishes on.
        publisher: Returns once the work queue has the event.
        account: Whose.
        selection: Which.
        done: Is told of each that is in the work queue and no longer a dead letter.
        count: As for `whole_letters`.
        run: For which run it is counted what becomes of the events; None for none.

    Returns:
        Whether none were held by somebody else, and so unseen.

    Raises:
        BrokerUnavailable: The one at hand may be in both queues now; the others are where they were.
    """
    async with reading(connection, account) as reader:
        async for in_hand in meant(reader, selection, count):
            if not in_hand.is_copy:
                await publisher.publish(_of_run(run, replay_message(in_hand.delivery, in_hand.letter)))
            await reader.take_off(in_hand)
            if not in_hand.is_copy:
                done(in_hand.letter)
    return reader.saw_all


def _of_run(run: int | None, message: Outgoing) -> Outgoing:
    if run is None:
        return message
    headers = {**message.properties["headers"], REPLAY_RUN: str(run)}
    return replace(message, properties={**message.properties, "headers": headers})


async def move(  # noqa: PLR0913  # which, by what, from where to where, and who hears of it
    connection: Connection,
    publisher: Publisher,
    account: str,
    selection: Selects,
    done: Callable[[DeadLetter], None],
    *,
    source: str,
    target: str,
    count: int | None = None,
) -> bool:
    """Move the matching letters as they are, oldest first, to another queue, which is there.

    All else is as for `replay`: what is taken, who is told, and what is returned and raised.
    """
    async with reading(connection, account, queue=source) as reader:
        async for in_hand in meant(reader, selection, count):
            if not in_hand.is_copy:
                await publisher.publish(as_it_is(in_hand.delivery, in_hand.letter.id, target))
            await reader.take_off(in_hand)
            if not in_hand.is_copy:
                done(in_hand.letter)
    return reader.saw_all


async def discard(  # noqa: PLR0913  # which of which, and who hears of it
    connection: Connection,
    account: str,
    selection: Selects,
    done: Callable[[DeadLetter], None],
    *,
    queue: str = "",
    among: int | None = None,
    count: int | None = None,
) -> bool:
    """Delete the matching dead letters for good; tell whether none were held by somebody else, and so unseen.

    Args:
        connection: As for `replay`.
        account: Whose.
        selection: Which.
        done: Is told of each that is gone.
        queue: As for `whole_letters`.
        among: Only the oldest so many are considered, such as those that somebody was asked about.
        count: As for `whole_letters`.

    Raises:
        BrokerUnavailable: The one at hand may be gone; the others are where they were.
    """
    async with reading(connection, account, queue=queue, at_most=among) as reader:
        async for in_hand in meant(reader, selection, count):
            await reader.take_off(in_hand)
            if not in_hand.is_copy:
                done(in_hand.letter)
    return reader.saw_all
