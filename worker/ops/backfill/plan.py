"""What a file of existing members would do: each row held against what the ledger knows now.

Nothing is changed, and Kit is not asked: whom the ledger does not know may be in Kit all the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from msgspec import structs

from worker.accounts.account import Account
from worker.broker.publisher import Outgoing
from worker.consumer.due_message import due_again
from worker.consumer.import_message import imported_message, importing
from worker.errors import EpochLost, LedgerUnavailable, PartlyApplied
from worker.events.event import Imported
from worker.events.row import Row, place_of_row
from worker.ledger.journal import Journal
from worker.ledger.person import moves_lately, tenure_now
from worker.ledger.store import Ledger
from worker.ledger.taggings import taggings_lately
from worker.ledger.takeover import Tenure
from worker.ops.as_read import as_read
from worker.ops.backfill.people import PeopleInFile
from worker.ops.backfill.reading import RowFile, WrongRow
from worker.ops.backfill.spool import Spool
from worker.ops.backfill.trial import PersonEnd, RowEnd, Trial, in_groups
from worker.ops.file_impact import FileImpact, at_once
from worker.ops.in_kit import KitIds
from worker.ops.letters.dry_run import as_delivered
from worker.ops.look_up import look_up
from worker.ops.rehearsal import Rehearsal
from worker.ops.trying import kit_ids
from worker.subscribers.identity import home_app
from worker.subscribers.in_hand import InHand
from worker.subscribers.item import Item, Kind, Outcome

AT_ONCE: Final = 200
"""Rows whose people are looked up together."""
LOOKS: Final = 5
"""At most, while the account changes hands."""
IGNORED: Final = "no mapping of the account's file names their type"

BEGUN: Final = "backfill"
"""What the journal calls that a run is begun."""


@dataclass(slots=True)
class BackfillPlan:
    """What a file would do.

    Attributes:
        account: Its name.
        run: The name of the run that would do it.
        wrong: The rows that nobody can take, in the order of the file.
        dead: Those that would become dead letters by what is known, or in part.
        ends: How many of the others would end how.
        ignored: How many rows are not taken in at all, by why.
        new_people: Of whom the ledger does not know that Kit has them, and who are created there if need be.
        depend: People of whom it depends on whether Kit has them, which the ledger does not know: their rows
            create nobody. What they would have is counted.
        impact: Who would have something otherwise.
        order: The rows that are taken in, by their numbers in `spool`, in the order in which they are.
    """

    account: str
    run: str
    spool: Spool
    wrong: list[WrongRow] = field(default_factory=list)
    dead: list[WrongRow] = field(default_factory=list)
    ends: Counter[Kind] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    new_people: int = 0
    depend: int = 0
    impact: FileImpact = field(default_factory=FileImpact)
    order: list[int] = field(default_factory=list)

    @property
    def new_taggings(self) -> int:
        """How many tags would be newly put on, as far as the ledger knows."""
        return sum(self.impact.new_taggings.values())

    def count(self, end: PersonEnd) -> None:
        """Count what one person would have otherwise."""
        self.new_people += end.is_new
        self.depend += end.depends
        self.impact.people += 1
        self.impact.count(end.email, end.impact)
        if not end.impact.is_otherwise:
            self.impact.calls += end.impact.calls
        self.impact.new_taggings.update(end.newly)


class Planning:
    """Makes the plan of one file.

    Args:
        ledger: The workers'; it is only read.
        account: By the file in force.
        imported: How each event is taken.
        known_ttl: Seconds for which workers rely on Kit's answers.
        plan: What is found out goes here.
    """

    def __init__(
        self, ledger: Ledger, account: Account, imported: Imported, known_ttl: float, plan: BackfillPlan
    ) -> None:
        self._ledger = ledger
        self._account = account
        self._imported = structs.replace(imported, version=account.version)
        self._known_ttl = known_ttl
        self._plan = plan
        self._people = PeopleInFile()
        self._lines: list[int] = []
        self._in_hand = InHand()
        self._ids = KitIds()
        self._now = ledger.clock.now()
        self._runs_before = 0

    async def plan(
        self,
        file: RowFile,
        counted: Callable[[int], None] = lambda _: None,
        told: Callable[[PersonEnd], None] = lambda _: None,
        goes_on: Callable[[], Awaitable[None]] = at_once,
    ) -> None:
        """Make the plan.

        Args:
            file: The rows, in a file that does not change meanwhile.
            counted: Is told of how many more rows it is known how they would end.
            told: Is told what each person would have.
            goes_on: Returns when the next row may be looked at.

        Raises:
            LedgerUnavailable: The ledger could not be read.
        """
        tenure = await tenure_now(self._ledger.database, self._account.name)
        home = home_app(self._account.apps) if tenure is None else tenure.home_app
        journal = Journal(self._ledger)
        self._runs_before = await journal.done_before(self._account.name, BEGUN, self._plan.run)
        for row in file.rows:
            self._read(row, home)
            await goes_on()
        await self._learn()
        for people in in_groups(self._people.in_order(), AT_ONCE):
            ends, found = await self._tried(people, home, goes_on)
            self._plan.order += [number for rows in people for number in rows]
            for end in ends:
                self._count(end)
            for person in found:
                self._plan.count(person)
                told(person)
            counted(len(ends))
        self._plan.dead.sort()

    # -- each row by itself ---------------------------------------------------------------------------

    def _read(self, row: Row | WrongRow, home: str) -> None:
        plan = self._plan
        if isinstance(row, WrongRow):
            plan.wrong.append(row)
            return
        at, named = self._now.timestamp(), f"{plan.run}-{row.line:07}"
        place = place_of_row(plan.run, row.line, self._runs_before)
        message = imported_message(plan.account, row, named, place, self._imported, at)
        read = as_read(as_delivered(message, self._now), self._account, home)
        error = read.error if isinstance(read, Outcome) else read.refusal
        if error is not None and not isinstance(error, PartlyApplied):
            plan.wrong.append(WrongRow(row.line, str(error)))
        elif isinstance(read, Outcome):
            plan.ignored[read.note or IGNORED] += 1
        else:
            self._take(row, read, message, at)

    def _take(self, row: Row, item: Item, message: Outgoing, at: float) -> None:
        if item.event is None:
            raise AssertionError("a row that could be read is an event")
        others = [f"id {item.user_id}"] if item.user_id else []
        others += [item.previous] if item.previous else []
        self._people.add(item.email, others, item.event.order)
        self._lines.append(row.line)
        self._plan.spool.add(importing(item, message, at))

    # -- each person, by what is known ----------------------------------------------------------------

    async def _learn(self) -> None:
        """Learn what is known beside people: their moves and new taggings lately, and names in Kit."""
        database, name, now = self._ledger.database, self._account.name, self._now.timestamp()
        self._in_hand.moves.learn(await moves_lately(database, name, now))
        self._in_hand.taggings.learn(await taggings_lately(database, name, now))
        self._ids = await kit_ids(database, name)

    async def _tried(
        self, people: Sequence[Sequence[int]], home: str, goes_on: Callable[[], Awaitable[None]]
    ) -> tuple[list[RowEnd], list[PersonEnd]]:
        """Return how the rows of some people would end, and what these would have."""
        numbers = [number for rows in people for number in rows]
        items = list[tuple[int, Item]]()
        for number in numbers:
            items.append((number, self._item(number, home)))
            await goes_on()
        for _ in range(LOOKS):
            tenure = await tenure_now(self._ledger.database, self._account.name)
            in_hand = InHand()
            in_hand.moves, in_hand.taggings = self._in_hand.moves, self._in_hand.taggings
            try:
                await look_up(in_hand.directory, [item for _, item in items], self._ledger, tenure)
            except EpochLost:
                continue  # a worker took the account meanwhile
            trial = Trial(self._rehearsal(in_hand, tenure), self._now.timestamp())
            ends = list[RowEnd]()
            for end in trial.rows(items):
                ends.append(end)
                await goes_on()
            return ends, trial.people()
        raise LedgerUnavailable("the account goes from worker to worker")

    def _rehearsal(self, in_hand: InHand, tenure: Tenure | None) -> Rehearsal:
        now = self._now.timestamp()
        relied_on = max(now - self._known_ttl, float("inf") if tenure is None else tenure.known_since)
        return Rehearsal(self._account, in_hand, relied_on, self._ids, guarded=True)

    def _item(self, number: int, home: str) -> Item:
        """Return a row as the worker will read it."""
        message = due_again(self._account.name, self._plan.spool[number].message)
        read = as_read(as_delivered(message, self._now), self._account, home)
        if isinstance(read, Outcome):
            raise AssertionError("a row that was taken is read alike again")  # noqa: TRY004  # a bug
        return read

    def _count(self, end: RowEnd) -> None:
        if end.kind is Kind.DEAD_LETTERED:
            self._plan.dead.append(WrongRow(self._lines[end.number], end.why))
        else:
            self._plan.ends[end.kind] += 1
