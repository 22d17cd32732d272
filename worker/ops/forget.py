"""Erases a person from ledger, history and dead letters, and knows how far it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

from worker.broker.connection import Connection
from worker.broker.queues import connected
from worker.broker.topology import archive_queue, dead_letter_queue
from worker.dead_letters import operations
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.person import AboutPerson
from worker.errors import BrokerUnavailable, LedgerUnavailable
from worker.ledger.database import Database
from worker.ledger.forgetting import Erased, forget, known_by
from worker.ledger.kept_mentions import erase_kept_mentions
from worker.ledger.letter_index import LetterIndex
from worker.ledger.registry import Registry
from worker.ledger.store import Ledger
from worker.ops.presence import POLL
from worker.settings import Settings
from worker.subscribers.identity import id_key, shown_person


def _signs(erased: Erased) -> Iterator[str]:
    """Yield by what somebody was known, for people."""
    yield from erased.addresses
    yield from map(shown_person, erased.user_ids)


HEARD_WITHIN: Final = POLL + 1.0
"""Seconds after which no worker does anything more for the person, nor adds another dead letter."""
TRIES: Final = 3
"""Looks at letters while somebody else holds some; RabbitMQ counts who has just left, too."""
AGAIN_AFTER: Final = 1.0
"""Seconds between two of these."""


@dataclass(frozen=True, slots=True)
class _About:
    """Selects the dead letters about a person, and notes the ids of others that mention the person."""

    person: AboutPerson
    mentioned: list[str]

    def matches(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is about the person."""
        if self.person.matches(letter):
            return True
        if self.person.is_mentioned(letter):
            self.mentioned.append(letter.id)
        return False


@dataclass(slots=True)
class Forgetting:
    """One person's erasing, and how far it has come; where it fails half-way, this tells what is left.

    Attributes:
        address: One of the person's.
        elsewhere: Whether in all accounts that the ledger knows, too.
        erased: What is gone from the ledger, one for each account.
        letters: The dead letters that are gone.
        searched: Whether all accounts' dead letters were looked through, as far as one could.
        unseen: Accounts of which somebody else holds dead letters.
        readable: Files in which what was erased may still be found.
        why: Why that is so.
        mentioned: Dead letters of others in which an address stands, and which were left.
    """

    address: str
    elsewhere: bool = True
    erased: list[Erased] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    searched: bool = False
    unseen: list[str] = field(default_factory=list)
    readable: str = ""
    why: str = ""
    mentioned: list[str] = field(default_factory=list)

    async def run(self, settings: Settings, ledger: Ledger, accounts: Collection[str]) -> None:
        """Erase the person.

        Args:
            settings: Where the broker is.
            ledger: The workers' ledger.
            accounts: The names of those that have a file; others are found in the ledger, if asked for.

        Raises:
            BrokerUnavailable: The broker does not answer, or somebody else holds letters.
            LedgerUnavailable: The ledger could not be used.
        """
        # The letters come first: once the ledger has forgotten, nobody can tell what else to look for.
        async with connected(settings.amqp_url.get_secret_value(), "forget") as connection:
            for each in await known_by(ledger, self.address, accounts, elsewhere=self.elsewhere):
                await self._discard_letters(connection, ledger, each)
            if self.unseen:
                raise BrokerUnavailable(
                    f"somebody else holds dead letters of {', '.join(self.unseen)}; nothing was erased from "
                    "the ledger, which tells by what to find them"
                )
            await self._erase_records(ledger, accounts)
            await self._purge(ledger.database)
            if any(worker.live for worker in (await Registry(ledger, "kit-worker").overview()).workers):
                await asyncio.sleep(HEARD_WITHIN)
            for each in self.erased:  # those that came meanwhile
                await self._discard_letters(connection, ledger, each)
            self.searched = True
        await self._erase_late_mentions(ledger.database)

    async def _discard_letters(self, connection: Connection, ledger: Ledger, erased: Erased) -> None:
        """Delete the dead letters about the person, those in the archive too, and their rows in the index."""
        account, before = erased.account, len(self.letters)
        about = _About(AboutPerson(erased.addresses, erased.user_ids, erased.home_app), self.mentioned)
        seen = [
            await self._discard(connection, account, about, queue)
            for queue in (dead_letter_queue(account), archive_queue(account))
        ]
        if not all(seen):
            self.unseen.append(account)
        if gone := {id_key(letter.id) for letter in self.letters[before:]}:
            await LetterIndex(ledger).gone(account, gone)

    async def _discard(self, connection: Connection, account: str, about: _About, queue: str) -> bool:
        """Delete letters; tell whether all were seen, in the end."""
        for tried in range(TRIES):
            if tried:
                await asyncio.sleep(AGAIN_AFTER)
            if await operations.discard(connection, account, about, self.letters.append, queue=queue):
                return True
        return False

    @property
    def others(self) -> str:
        """Which dead letters of others were left that mention the person; empty where there is none."""
        if not self.mentioned:
            return ""
        mentioned = ", ".join(dict.fromkeys(self.mentioned))
        return (
            f"dead letters of others mention the person, and were left: {mentioned}; look "
            "with kit-worker dead-letters show ID, and discard with --id what is to go"
        )

    def left(self) -> list[str]:
        """Return what may be left, and what to do about it, in parts of one sentence."""
        said = []
        if self.unseen:
            said.append(f"somebody else holds dead letters of {', '.join(self.unseen)}, which were not seen")
        if self.unseen or not self.searched:
            known = sorted({sign for each in self.erased for sign in _signs(each)})
            said.append(
                f"the ledger has forgotten, but dead letters may be left that name {', '.join(known)}: "
                "look with kit-worker dead-letters export, and discard them with --id"
            )
        if self.readable:
            said += [self.why] if self.why else []
            said.append(
                f"what was erased may still be readable in {self.readable} until you run kit-worker forget "
                f"{self.address} again"
            )
        return said

    async def _erase_records(self, ledger: Ledger, accounts: Collection[str]) -> None:
        """Erase from the ledger; it is known what was erased, also where this is called off meanwhile."""

        def note(erased: list[Erased]) -> None:
            self.erased += erased
            if ledger.database.is_sqlite:
                self.readable = f"{ledger.database.name} and {ledger.database.name}-wal"

        await forget(ledger, self.address, accounts, note, elsewhere=self.elsewhere)

    async def _erase_late_mentions(self, database: Database) -> None:
        """Erase what workers kept of others, with a mention, while the first look through it went on."""
        addresses = {address for each in self.erased for address in each.addresses}
        late = [
            await erase_kept_mentions(database, each.account, addresses, each.user_ids)
            for each in self.erased
        ]
        if any(late):
            await self._purge(database)

    async def _purge(self, database: Database) -> None:
        """Let nothing that was erased be readable; a failure holds up nothing else."""
        try:
            await database.purge()
        except LedgerUnavailable as error:
            self.why = str(error)
        else:
            self.readable = ""
