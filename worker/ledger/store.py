"""The ledger: what was applied, by subscriber, and whose turn it is to apply.

One read and one write a batch, not an event.
"""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Self

import structlog
from sqlalchemy import BindParameter, Float, Update, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from worker.clock import Clock
from worker.errors import EpochLost, LedgerWentBack
from worker.ledger.counts import write_counts
from worker.ledger.database import Database, secret_of
from worker.ledger.due import move_due, write_anew, write_due
from worker.ledger.failures import DamagedRowError
from worker.ledger.ledger_time import LedgerTime
from worker.ledger.letters import write_ends, write_letters
from worker.ledger.names import write_names
from worker.ledger.newest import move_newest, write_newest
from worker.ledger.record_json import UnreadableError, load_record
from worker.ledger.rows import entry_row, person_row, subscriber_row, upsert
from worker.ledger.schema import accounts, forgotten, history, people, subscribers
from worker.ledger.taggings import write_taggings
from worker.ledger.takeover import Taker, Tenure, later, take_over
from worker.ledger.together import Together
from worker.ledger.witness import Witness
from worker.subscribers.glimpse import Glimpse
from worker.subscribers.identity import former_spellings, id_key
from worker.subscribers.known import Batch, Known, Person
from worker.subscribers.record import Record

log = structlog.get_logger()

# Made once: to make a statement takes longer than to have it carried out.
_OF_ACCOUNT: Final[BindParameter[str]] = bindparam("of_account")
_TENURE: Final = select(accounts.c.epoch, accounts.c.batch).where(accounts.c.account == _OF_ACCOUNT)
_TENURE_LOCKED: Final = _TENURE.with_for_update()
_PEOPLE: Final = select(people.c.user_id, people.c.email, people.c.moved_at).where(
    people.c.account == _OF_ACCOUNT, people.c.user_id.in_(bindparam("user_ids", expanding=True))
)
_S: Final = subscribers.c
_RECORDS: Final = select(_S.email, _S.kit_id, _S.state, _S.facts, _S.kit_account, _S.updated_at).where(
    _S.account == _OF_ACCOUNT, _S.email.in_(bindparam("emails", expanding=True))
)
_FORGOTTEN: Final = select(forgotten.c.mark, forgotten.c.until).where(
    forgotten.c.account == _OF_ACCOUNT, forgotten.c.mark.in_(bindparam("marks", expanding=True))
)
_WRITTEN: Final = (
    update(accounts)
    .where(accounts.c.account == _OF_ACCOUNT)
    .values(
        written_at=later(bindparam("now", type_=Float)),
        batch=bindparam("number"),
        created_tags=accounts.c.created_tags + bindparam("created"),
    )
)


class Ledger:
    """The ledger of all accounts.

    Attributes:
        database: Where it is kept.
        worker: Who writes, for people.
        clock: Says what time it is.
        time: Says what time it is for all who share the ledger.
        witness: What was seen of it.
    """

    def __init__(
        self, database: Database, *, worker: str, clock: Clock, time: LedgerTime | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.time = time or LedgerTime(clock)
        self.worker = worker
        self.witness = Witness()
        self._trying: Together[None, None] = Together()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.database.close()

    async def ready(self) -> None:
        """Return if it can be written; else raise `LedgerUnavailable`, as all methods do."""
        await self._trying.ask(None, self._try)

    async def _try(self, _: object) -> dict[None, None]:
        # A row is really written, since a full or read-only disk lets an empty transaction pass.
        row = {"account": "", "epoch": 0, "written_at": self.clock.time()}
        await self.database.transact(lambda connection: upsert(connection, accounts, [row]), writes=True)
        return {None: None}

    async def take(self, account: str, kit_account: int = 0, apps: Collection[str] = ()) -> Tenure:
        """Begin to write for an account: whoever did so before has lost it.

        Args:
            account: Its name.
            kit_account: See `Tenure`.
            apps: Those of the account, as its file is now.
        """
        async with self.database.write() as connection:
            shared = await self.time.now(connection)
            taker = Taker(id_key(self.worker), kit_account, self.clock.time(), shared, self.witness, apps)
            tenure = await take_over(connection, account, taker)
            secret = await connection.run_sync(secret_of)
        # It may be another one: a ledger can be emptied, or put back from a copy, while this program runs.
        self.database.secret = secret
        if tenure.went_back:
            self._tell_it_went_back(account, "it does not know the last tenure of the account")
        self.witness.saw(account, tenure.epoch, running=True)
        return tenure

    async def release(self, tenure: Tenure) -> None:
        """Say that all calls of a tenure were answered and are written, so that the next may rely on them."""
        async with self.database.write() as connection:
            ended = _held(tenure).values(released_at=await self.time.now(connection))
            await connection.execute(ended)

    async def load(self, tenure: Tenure, emails: Collection[str], user_ids: Collection[str]) -> Known:
        """Return what is known about these addresses and people, and about where these people are now.

        Raises:
            EpochLost: The account is another worker's by now.
            LedgerWentBack: The ledger has lost what was written in this tenure.
        """
        with self._telling_if_it_went_back(tenure):
            return await self.database.transact(
                lambda connection: self._load(connection, tenure, emails, user_ids), writes=False
            )

    async def forgotten(self, account: str, *seen: Glimpse) -> dict[tuple[str, str], datetime]:
        """Return by which of their signs the people of events were forgotten; see `Known.forgotten`."""
        query = select(accounts.c.home_app).where(accounts.c.account == account)
        async with self.database.read() as connection:
            home = (await connection.execute(query)).scalar() or ""
            signs = [sign for each in seen for sign in each.signs(home)]
            return await self._forgotten(connection, account, signs)

    async def save(self, tenure: Tenure, batch: Batch) -> None:
        """Write a batch, all or nothing; do nothing where the last one of its tenure had the same number.

        Raises:
            EpochLost: The account is another worker's by now; nothing was written.
            LedgerWentBack: As `load` says; nothing was written.
        """
        with self._telling_if_it_went_back(tenure):
            await self.database.transact(
                lambda connection: self._save(connection, tenure, batch), writes=True
            )

    def mark(self, kind: str, text: str) -> str:
        """Return the keyed hash under which an address or a user's id is remembered as forgotten."""
        return hmac.digest(self.database.secret, f"{kind}\0{text}".encode(), "sha256").hex()

    # -- parts ----------------------------------------------------------------------------------------

    async def _load(
        self, connection: AsyncConnection, tenure: Tenure, emails: Collection[str], user_ids: Collection[str]
    ) -> Known:
        await self._check_epoch(connection, tenure)
        found = await self._people(connection, tenure.account, user_ids)
        wanted = {*emails, *(person.email for person in found.values())}
        records = await self._records(connection, tenure, wanted)
        moved = {record.moved.to for record in records.values() if record.moved} - wanted
        while moved:
            more = await self._records(connection, tenure, moved)
            records |= more
            moved = {record.moved.to for record in more.values() if record.moved} - records.keys()
        signs = [*(("email", each) for each in emails), *(("user", each) for each in user_ids)]
        gone = await self._forgotten(connection, tenure.account, signs)
        return Known(records, found, gone)

    async def _save(self, connection: AsyncConnection, tenure: Tenure, batch: Batch) -> None:
        account, at = tenure.account, self.clock.time()
        if await self._check_epoch(connection, tenure, lock=True) == batch.number != 0:
            return  # it was written, and the connection died before anybody heard of it
        for old, new in batch.moves:
            moved = update(history).where(history.c.account == account, history.c.email == old)
            await connection.execute(moved.values(email=new))
            await move_due(connection, account, old, new)
            await move_newest(connection, account, old, new)
        await upsert(
            connection,
            subscribers,
            [subscriber_row(account, tenure.kit_account, record, at) for record in batch.records],
        )
        await upsert(connection, people, [person_row(account, person) for person in batch.people])
        await write_names(connection, account, tenure.kit_account, batch.names)
        await write_taggings(connection, account, batch)
        await write_due(connection, account, batch.past, batch.due)
        await write_anew(connection, account, batch.anew)
        await write_newest(connection, account, batch.newest)
        if batch.letters:
            await write_letters(connection, account, batch.letters, await self.time.now(connection))
        await write_ends(connection, account, batch.replayed)
        if batch.entries:
            rows = [entry_row(account, entry, self.worker) for entry in batch.entries]
            await connection.execute(history.insert(), rows)
        await write_counts(connection, account, batch, at)
        # Last, so that it is no earlier than any answer that was written.
        values = {"now": self.clock.time(), "number": batch.number, "created": batch.created_tags}
        await connection.execute(_WRITTEN, {"of_account": account, **values})

    async def _check_epoch(self, connection: AsyncConnection, tenure: Tenure, *, lock: bool = False) -> int:
        """Return the number of the last batch of a tenure; raises where the tenure is over."""
        # Of those who would write at once, the second waits here until the first is done (PostgreSQL).
        query = _TENURE_LOCKED if lock else _TENURE
        found = (await connection.execute(query, {"of_account": tenure.account})).one_or_none()
        if found is None or found.epoch != tenure.epoch:
            now = "none" if found is None else found.epoch
            raise EpochLost(f"{tenure.account} was taken over (epoch {now}, ours was {tenure.epoch})")
        batch: int = found.batch
        if batch < tenure.batch:
            lost = f"of what this worker has written, the last {tenure.batch - batch} batches are not there"
            raise LedgerWentBack(f"the ledger was put back in time: {lost}")
        return batch

    @contextmanager
    def _telling_if_it_went_back(self, tenure: Tenure) -> Iterator[None]:
        """Tell of it here, where the event loop is: what asks the ledger may be in a thread."""
        try:
            yield
        except LedgerWentBack as error:
            self._tell_it_went_back(tenure.account, str(error))
            raise

    def _tell_it_went_back(self, account: str, problem: str) -> None:
        self.witness.went_back[account] += 1
        log.error("ledger_went_back", account=account, ledger=self.database.name, problem=problem)

    async def _people(
        self, connection: AsyncConnection, account: str, user_ids: Collection[str]
    ) -> dict[str, Person]:
        if not user_ids:
            return {}
        wanted = {"of_account": account, "user_ids": list(user_ids)}
        return {row.user_id: Person(*row) for row in await connection.execute(_PEOPLE, wanted)}

    async def _records(
        self, connection: AsyncConnection, tenure: Tenure, emails: Collection[str]
    ) -> dict[str, Record]:
        wanted = {"of_account": tenure.account, "emails": list(emails)}
        records = {}
        for email, kit_id, state, facts, kit_account, updated_at in await connection.execute(
            _RECORDS, wanted
        ):
            try:
                records[email] = record = load_record(email, kit_id, state, facts)
            except UnreadableError as error:
                text = f"the ledger holds a row of {tenure.account} that cannot be read"
                raise DamagedRowError(text) from error
            if 0 not in {kit_account, tenure.kit_account} and kit_account != tenure.kit_account:
                record.lost()
            if updated_at < tenure.known_since:
                record.outdate()  # somebody may have done more since, and could not say so
        return records

    async def _forgotten(
        self, connection: AsyncConnection, account: str, signs: Iterable[tuple[str, str]]
    ) -> dict[tuple[str, str], datetime]:
        by_mark = {self.mark(kind, form): (kind, text) for kind, text in signs for form in _forms(kind, text)}
        rows = await connection.execute(_FORGOTTEN, {"of_account": account, "marks": list(by_mark)})
        return {by_mark[row.mark]: datetime.fromisoformat(row.until) for row in rows}


def _forms(kind: str, text: str) -> Collection[str]:
    """Return under what somebody may have been forgotten: what was hashed keeps the form that it had."""
    return former_spellings(text) if kind == "email" else (text,)


def _held(tenure: Tenure) -> Update:
    """Update the row of an account that is held, by whoever has written all that is written there."""
    ours = accounts.c.account == tenure.account, accounts.c.epoch == tenure.epoch
    return update(accounts).where(*ours, accounts.c.batch == tenure.batch)
