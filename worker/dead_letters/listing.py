"""An account's dead letters as one walk through their queue finds them: by reason, and one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from worker.broker.connection import Connection
from worker.broker.queues import QueueState
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.reader import reading
from worker.dead_letters.selection import EVERYTHING, Selects

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
