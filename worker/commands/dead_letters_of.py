"""The dead letters of the accounts that a command is about, in RabbitMQ."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from worker.accounts.account import Account
from worker.accounts.load import Loaded, load_accounts
from worker.broker.connection import Connection
from worker.broker.publisher import Publisher
from worker.broker.queues import connected, queue_state
from worker.broker.topology import Topology, dead_letter_queue, work_queue
from worker.commands.common import begin, one_account, opened_ledger, read_accounts, unknown_account
from worker.commands.exits import UsageError
from worker.commands.progress import Counted, Steps
from worker.dead_letters import operations, renewing
from worker.dead_letters.letter import DeadLetter
from worker.dead_letters.listing import Listing, look
from worker.dead_letters.reader import reading
from worker.dead_letters.selection import Selection, Selects
from worker.ledger.store import Ledger
from worker.ops.letters.dry_run import fates
from worker.ops.letters.fate import Fate
from worker.settings import Settings, environment

Told: TypeAlias = tuple[DeadLetter, Fate]


class DeadLettersOf:
    """The accounts in question, and the operations over them, each on connections of its own.

    Args:
        account: The only one that is meant, which need not have a file; None for all that have one.
    """

    def __init__(self, account: str | None) -> None:
        self._settings = begin()
        self._known = sorted(load_accounts(self._settings.config_dir, environment()).names)
        # One that is named need not have a file: its queues outlive it.
        self._accounts = self._known if account is None else [account]
        if not self._accounts:
            raise UsageError(f"there are no files in {self._settings.config_dir / 'accounts'}: say --account")

    def in_force(self) -> Loaded:
        """Return all accounts as the workers read them now."""
        return read_accounts(self._settings)

    async def look(self, selection: Selection, steps: Steps) -> list[Listing]:
        """Return what there is, by account; see `worker.dead_letters.listing`."""
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection:
            return [await look(connection, account, counted) for account in self._accounts]

    async def read(self, selection: Selection, take: Callable[[DeadLetter], None], steps: Steps) -> None:
        """Give each letter away with its body, and leave it where it is."""
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection:
            for account in self._accounts:
                async for letter in operations.whole_letters(connection, account, counted):
                    take(letter)

    async def replay(self, selection: Selection, done: Callable[[DeadLetter], None], steps: Steps) -> None:
        """Put letters back into the work queues; `done` is told of each."""
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection, _connected(self._settings) as publishing:
            publisher = Publisher(publishing)
            for account in self._accounts:
                await operations.replay(connection, publisher, account, counted, done)

    async def dry_run(
        self, selection: Selection, loaded: Loaded, take: Callable[[Told], None], steps: Steps
    ) -> list[str]:
        """Find out what `replay` would do, in its order, and do nothing; return what else there is to know.

        Args:
            selection: Which letters.
            loaded: The accounts, as `in_force` returns them.
            take: Is told of each letter's fate.
            steps: Of a bar.

        Raises:
            UsageError: An account that has dead letters has no file, or there is no ledger.
            ConfigurationError: Such an account's file is wrong.
            LedgerUnavailable: The ledger could not be read.
        """
        counted, remarks = Counted(selection, steps), list[str]()
        async with self._connection(steps) as connection:
            named = [each for each in self._accounts if await _ready(connection, dead_letter_queue(each))]
            accounts = [_with_file(each, loaded) for each in named]
            if not accounts:
                return []
            async with opened_ledger(self._settings) as ledger:
                for account in accounts:
                    if not await _dry_run(connection, account, ledger, counted, take):
                        remarks.append(
                            f"{account.name}: another tool holds dead letters, which are not shown."
                        )
                    if waiting := await _ready(connection, work_queue(account.name)):
                        remarks.append(_come_first(account.name, waiting))
        return remarks

    async def discard(
        self, selection: Selection, among: dict[str, int], done: Callable[[DeadLetter], None], steps: Steps
    ) -> None:
        """Delete letters for good, `among` the oldest so many of an account; `done` is told of each."""
        counted = Counted(selection, steps)
        async with self._connection(steps) as connection:
            for account in self._accounts:
                at_most = among.get(account)
                await operations.discard(connection, account, counted, done, among=at_most)

    async def renew(self, steps: Steps) -> dict[str, int]:
        """Make the dead-letter queues anew; return how many letters each holds."""
        async with self._connection(Steps()) as connection, _connected(self._settings) as publishing:
            topology = Topology(connection, self._settings.events_exchange)
            publisher = Publisher(publishing)
            steps.expect(len(self._accounts))
            return {
                name: await renewing.renew(connection, publisher, topology, name)
                for name in steps.over(self._accounts)
            }

    @asynccontextmanager
    async def _connection(self, steps: Steps) -> AsyncIterator[Connection]:
        """Hold a connection; the steps are the dead letters that there are."""
        async with _connected(self._settings) as connection:
            for account in self._accounts:
                state = await queue_state(connection, dead_letter_queue(account))
                if account not in self._known and not state:
                    raise unknown_account(account, self._known)
                steps.expect(state.ready if state else 0)
            yield connection


@asynccontextmanager
async def _connected(settings: Settings) -> AsyncIterator[Connection]:
    async with connected(settings.amqp_url.get_secret_value(), "dead-letters") as connection:
        yield connection


async def _ready(connection: Connection, queue: str) -> int:
    state = await queue_state(connection, queue)
    return state.ready if state else 0


def _with_file(name: str, loaded: Loaded) -> Account:
    if name not in loaded.names:
        raise UsageError(
            f"{name} has no file: whatever is replayed would wait in {work_queue(name)} until it has one"
        )
    return one_account(loaded, name)


async def _dry_run(
    connection: Connection,
    account: Account,
    ledger: Ledger,
    selection: Selects,
    take: Callable[[Told], None],
) -> bool:
    """Tell of each letter's fate; return whether none were held by somebody else, and so unseen."""
    async with reading(connection, account.name) as reader:
        async for told in fates(operations.letters_meant(reader, selection), account, ledger):
            take(told)
    return reader.saw_all


def _come_first(account: str, waiting: int) -> str:
    events = "1 event waits" if waiting == 1 else f"{waiting:,} events wait"
    return f"{account}: {events} in {work_queue(account)}, before all that is replayed, and may change this."
