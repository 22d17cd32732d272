"""The index of dead letters: what each says without its body, so that no view walks a queue.

A worker writes a letter's row once the letter is safe. What else comes and goes, RabbitMQ's own dead letters
and what commands take out, is noted by whoever looks through the queue. What the queue holds is what is so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, Select, delete, func, select, update

from worker.ledger.letter_tables import (
    dead_letter_ends,
    dead_letter_notes,
    dead_letter_runs,
    dead_letters,
)
from worker.ledger.letters import LetterPlace, write_letters
from worker.ledger.rows import upsert
from worker.ledger.store import Ledger
from worker.outside.texts import tells_whom
from worker.subscribers.known import LetterEntry

PAGE: Final = 50
"""Letters that are shown at once."""
PORTION: Final = 500
"""Ids that are asked about in one statement."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody wrote for a colleague; empty where nobody did.

    Attributes:
        who: In words that name no address.
    """

    text: str = ""
    who: str = ""


@dataclass(frozen=True, slots=True)
class IndexedLetter:
    """A dead letter in the index.

    Attributes:
        number: Of its row: greater than those of the letters before it in their queue.
        run: Which run is about it; None for none.
    """

    number: int
    entry: LetterEntry
    place: LetterPlace
    note: Note
    run: int | None


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """The dead letters of one account with one reason.

    Attributes:
        oldest: The first of them.
        newest: The last of them, and the example.
    """

    reason: str
    count: int
    oldest: IndexedLetter
    newest: IndexedLetter
    note: Note = Note()


_ENTRY: Final = tuple(
    dead_letters.c["letter_id" if name == "id" else name] for name in LetterEntry.__struct_fields__
)
_OF: Final = dead_letters.c
_COLUMNS: Final = (_OF.number, _OF.place, _OF.note, _OF.noted_by, _OF.run, *_ENTRY)


@dataclass(frozen=True, slots=True)
class LetterIndex:
    """The index of all accounts' dead letters. All methods raise `LedgerUnavailable`."""

    ledger: Ledger

    # -- looking ----------------------------------------------------------------------------------------

    async def counts(self, place: LetterPlace = LetterPlace.DEAD) -> Mapping[str, int]:
        """Return how many letters each account has in such a queue that has any."""
        query = select(_OF.account, func.count()).where(_OF.place == place).group_by(_OF.account)
        async with self.ledger.database.read() as connection:
            return {row[0]: row[1] for row in await connection.execute(query)}

    async def groups(self, account: str, place: LetterPlace) -> list[LetterGroup]:
        """Return an account's letters by reason, the largest group first."""
        of_place = (_OF.account == account) & (_OF.place == place)
        counted = select(_OF.reason, func.count(), func.min(_OF.number), func.max(_OF.number))
        noted = select(dead_letter_notes).where(dead_letter_notes.c.account == account)
        async with self.ledger.database.read() as connection:
            rows = (await connection.execute(counted.where(of_place).group_by(_OF.reason))).all()
            ends = [number for _, _, *numbers in rows for number in numbers]
            found = await connection.execute(select(*_COLUMNS).where(_OF.number.in_(ends)))
            letters = {row.number: _letter(row) for row in found}
            notes = {row.reason: Note(row.note, row.noted_by) for row in await connection.execute(noted)}
        groups = [
            LetterGroup(reason, count, letters[first], letters[last], notes.get(reason, Note()))
            for reason, count, first, last in rows
            if first in letters and last in letters  # else they have just gone
        ]
        return sorted(groups, key=lambda group: (-group.count, group.reason))

    async def group(self, account: str, place: LetterPlace, reason: str) -> LetterGroup | None:
        """Return one group; None where it has no letters."""
        return next((each for each in await self.groups(account, place) if each.reason == reason), None)

    async def page(
        self, account: str, place: LetterPlace, reason: str, *, before: int | None = None, limit: int = PAGE
    ) -> list[IndexedLetter]:
        """Return the newest letters of a group, the newest of them first.

        Args:
            account: Whose.
            place: In which queue.
            reason: Theirs.
            before: Letters older than the one with this number only, as the next page needs them.
            limit: So many at most.
        """
        query = select(*_COLUMNS).where(_OF.account == account, _OF.place == place, _OF.reason == reason)
        if before is not None:
            query = query.where(_OF.number < before)
        return await self._letters(query.order_by(_OF.number.desc()).limit(limit))

    async def later(self, account: str, place: LetterPlace, reason: str, number: int) -> int:
        """Return how many letters of a group came after the one of a number."""
        of_group = (_OF.account == account) & (_OF.place == place) & (_OF.reason == reason)
        query = select(func.count()).where(of_group, _OF.number > number)
        async with self.ledger.database.read() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def letter(self, account: str, number: int) -> IndexedLetter | None:
        """Return a letter by the number of its row; None where this account has none of that number."""
        found = await self._letters(select(*_COLUMNS).where(_OF.account == account, _OF.number == number))
        return found[0] if found else None

    async def these(self, account: str, ids: Collection[str]) -> list[IndexedLetter]:
        """Return those of these letters that are there still, the oldest first; ids as `id_key` has them."""
        query = select(*_COLUMNS).where(_OF.account == account, _OF.letter_id.in_(ids))
        return await self._letters(query.order_by(_OF.number))

    async def _letters(self, query: Select[Any]) -> list[IndexedLetter]:
        async with self.ledger.database.read() as connection:
            return [_letter(row) for row in await connection.execute(query)]

    # -- what is met in a queue -------------------------------------------------------------------------

    async def now(self) -> float:
        """Return the time by the ledger's clock; what is met in a queue from now on is noted as later."""
        async with self.ledger.database.read() as connection:
            return await self.ledger.time.now(connection)

    async def met(self, account: str, entries: Sequence[LetterEntry], place: LetterPlace) -> None:
        """Note that these letters are in a queue, in the order in which they are there."""
        async with self.ledger.database.write() as connection:
            await write_letters(connection, account, entries, await self.ledger.time.now(connection), place)

    async def sweep(self, account: str, place: LetterPlace, before: float) -> int:
        """Drop the letters that nobody met in a queue since a moment; return how many there were."""
        gone = delete(dead_letters).where(
            _OF.account == account, _OF.place == place, _OF.noted_at < before, _OF.run.is_(None)
        )
        async with self.ledger.database.write() as connection:
            return (await connection.execute(gone)).rowcount

    async def gone(self, account: str, ids: Collection[str]) -> None:
        """Drop letters that are no longer in any queue, by their ids as `id_key` writes them."""
        many = sorted(ids)
        async with self.ledger.database.write() as connection:
            for at in range(0, len(many), PORTION):
                these = _OF.letter_id.in_(many[at : at + PORTION])
                await connection.execute(delete(dead_letters).where(_OF.account == account, these))

    # -- notes ------------------------------------------------------------------------------------------

    async def note_letter(self, account: str, letter_id: str, note: Note, seen: str = "") -> Note | None:
        """Keep a note about one letter, in the place of the one that its writer has seen.

        Args:
            account: Whose letter.
            letter_id: Which, as `id_key` writes it.
            note: The note.
            seen: The text of the one before; empty for none.

        Returns:
            The note that stands now: another one where somebody else wrote meanwhile; None without a letter.

        Raises:
            ValueError: It names a whole address or a secret, which notes never hold.
        """
        _check(note)
        this = (_OF.account == account) & (_OF.letter_id == letter_id)
        keep = update(dead_letters).where(this, _OF.note == seen).values(note=note.text, noted_by=note.who)
        async with self.ledger.database.write() as connection:
            await connection.execute(keep)
            row = (await connection.execute(select(_OF.note, _OF.noted_by).where(this))).one_or_none()
        return None if row is None else Note(*row)

    async def note_group(self, account: str, reason: str, note: Note, seen: str = "") -> Note:
        """Keep a note about a group; all else is as for `note_letter`."""
        _check(note)
        of = dead_letter_notes.c
        this = select(of.note, of.noted_by).where(of.account == account, of.reason == reason)
        async with self.ledger.database.write() as connection:
            row = (await connection.execute(this.with_for_update())).one_or_none()
            if row is not None and row.note != seen:
                return Note(*row)
            now = await self.ledger.time.now(connection)
            kept = {"account": account, "reason": reason, "note": note.text, "noted_by": note.who}
            await upsert(connection, dead_letter_notes, [{**kept, "noted_at": now}])
        return note

    # -- accounts ---------------------------------------------------------------------------------------

    async def drop(self, account: str) -> int:
        """Delete an account's rows, runs and notes; return how many letters there were."""
        async with self.ledger.database.write() as connection:
            for table in (dead_letter_runs, dead_letter_ends, dead_letter_notes):
                await connection.execute(delete(table).where(table.c.account == account))
            return (await connection.execute(delete(dead_letters).where(_OF.account == account))).rowcount


def _check(note: Note) -> None:
    if tells_whom(note.text) or tells_whom(note.who):
        raise ValueError("a note holds an address or a secret")


def _letter(row: Row[Any]) -> IndexedLetter:
    number, place, note, noted_by, run, *entry = tuple(row)
    return IndexedLetter(number, LetterEntry(*entry), LetterPlace(place), Note(note, noted_by), run)
