"""Operations on dead letters: look, replay, discard. None of them ever loses one.

Looking consumes and acks nothing: when the channel closes, everything goes back to where it was. Replaying
acks a dead letter only once RabbitMQ has confirmed that the work queue has the event. Copies of a dead letter
are one, and share its fate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Final

from worker.broker.connection import Connection
from worker.broker.publisher import Publisher
from worker.broker.queues import QueueState
from worker.dead_letters.letter import DeadLetter, replay_message
from worker.dead_letters.reader import EVERYTHING, Selects, reading

MOST_LISTED: Final = 10_000
"""Letters that a listing names one by one, without their bodies; beyond that they are only counted."""


@dataclass(frozen=True, slots=True)
class Group:
    """Dead letters of one account with one reason.

    Attributes:
        oldest: When the first of them failed; empty where RabbitMQ did not note it.
        newest: When the last of them failed.
        example: The detail of the newest.
    """

    account: str
    reason: str
    count: int
    oldest: str
    newest: str
    example: str

    def with_one_more(self, letter: DeadLetter) -> Group:
        """Return the group with a later letter in it."""
        return replace(
            self,
            count=self.count + 1,
            oldest=self.oldest or letter.failed_at,
            newest=letter.failed_at or self.newest,
            example=letter.detail,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """One account's dead letters.

    Attributes:
        exists: False where the account has no dead-letter queue yet.
        ready: How many there were.
        looked_at: How many of them were seen, whether or not they match.
        matching: How many match the selection.
        groups: Those that match, by reason; the largest first.
        letters: Those that match, without their bodies; at most `MOST_LISTED`.
        copies: How many of those that were seen are copies of others.
        missing: How many did not come, because somebody else holds them.
        watchers: How many others were consuming the queue.
    """

    account: str
    exists: bool
    ready: int
    looked_at: int
    matching: int
    groups: tuple[Group, ...]
    letters: tuple[DeadLetter, ...]
    copies: int
    missing: int
    watchers: int


async def look(connection: Connection, account: str, selection: Selects = EVERYTHING) -> Listing:
    """Return an account's dead letters, and leave every one where it is.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer, or went away meanwhile.
    """
    groups: dict[str, Group] = {}
    letters: list[DeadLetter] = []
    matching = copies = 0
    async with reading(connection, account) as reader:
        async for in_hand in reader.letters():
            letter = replace(in_hand.letter, body=b"", headers={})
            copies += in_hand.is_copy
            if selection.matches(letter) and not in_hand.is_copy:
                matching += 1
                group = groups.get(letter.reason) or Group(account, letter.reason, 0, "", "", "")
                groups[letter.reason] = group.with_one_more(letter)
                letters += [letter] if len(letters) < MOST_LISTED else []
    state = reader.state or QueueState(0, 0)
    return Listing(
        account=account,
        exists=reader.state is not None,
        ready=state.ready,
        looked_at=state.ready - reader.missing,
        matching=matching,
        groups=tuple(sorted(groups.values(), key=lambda group: -group.count)),
        letters=tuple(letters),
        copies=copies,
        missing=reader.missing,
        watchers=state.consumers,
    )


async def whole_letters(
    connection: Connection, account: str, selection: Selects
) -> AsyncIterator[DeadLetter]:
    """Yield the matching dead letters with their bodies and headers, and leave them where they are.

    Raises:
        BrokerUnavailable: RabbitMQ does not answer, or went away meanwhile.
    """
    async with reading(connection, account) as reader:
        async for in_hand in reader.letters():
            if selection.matches(in_hand.letter) and not in_hand.is_copy:
                yield in_hand.letter


async def replay(
    connection: Connection,
    publisher: Publisher,
    account: str,
    selection: Selects,
    done: Callable[[DeadLetter], None],
) -> None:
    """Put the matching dead letters back into the work queue, oldest first.

    It stops where the reader does (`DeadLetterReader.letters`): after as many as there were when it began. An
    event that fails again comes in at the end, and would otherwise go round for ever.

    Args:
        connection: To take dead letters off with; not the one that `publisher` publishes on.
        publisher: Returns once the work queue has the event.
        account: Whose.
        selection: Which.
        done: Is told of each that is in the work queue and no longer a dead letter.

    Raises:
        BrokerUnavailable: The one at hand may be in both queues now; the others are where they were.
    """
    async with reading(connection, account) as reader:
        async for in_hand in reader.letters():
            if not selection.matches(in_hand.letter):
                continue
            if not in_hand.is_copy:
                await publisher.publish(replay_message(in_hand.delivery, in_hand.letter))
            await reader.take_off(in_hand)
            if not in_hand.is_copy:
                done(in_hand.letter)


async def discard(
    connection: Connection,
    account: str,
    selection: Selects,
    done: Callable[[DeadLetter], None],
    *,
    among: int | None = None,
) -> bool:
    """Delete the matching dead letters for good; tell whether none were held by somebody else, and so unseen.

    Args:
        connection: As for `replay`.
        account: Whose.
        selection: Which.
        done: Is told of each that is gone.
        among: Only the oldest so many are considered, such as those that somebody was asked about.

    Raises:
        BrokerUnavailable: The one at hand may be gone; the others are where they were.
    """
    async with reading(connection, account) as reader:
        async for in_hand in reader.letters(at_most=among):
            if selection.matches(in_hand.letter):
                await reader.take_off(in_hand)
                if not in_hand.is_copy:
                    done(in_hand.letter)
    return not (reader.missing or (reader.state and reader.state.consumers))
