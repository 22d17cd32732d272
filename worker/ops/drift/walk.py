"""Compares an account's people with Kit: both are walked in the order of Kit's ids, a page at a time.

So it takes the memory of one page, whatever the number of people. Whoever differs by the lists, which lag, is
looked up by id, and compared once more with what is known by then.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import AsyncGenerator, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

from worker.accounts.account import Account
from worker.kit.account import kit_account
from worker.kit.client import KitClient
from worker.ledger.by_kit_id import KitAccountOf, ListedRecord, in_order_of_kit, is_due, record_now
from worker.ledger.drift import FoundPerson, Progress
from worker.ledger.names import names_of
from worker.ledger.store import Ledger
from worker.ops.drift.at_kit import PeoplePage, Tagged, look_up, names_at_kit, people_page, tagged_page
from worker.ops.drift.compare import (
    AccountDrift,
    NamesAtKit,
    SubscriberAtKit,
    differences,
    is_on_its_way,
    lacking,
    renamed,
)
from worker.ops.drift.share import BudgetShare
from worker.subscribers.drifted import DriftKind

K = TypeVar("K", bound=Hashable)

LEFT_OUT: Final = 600.0
"""Seconds after a write to somebody for which Kit's lists may not show it, with a margin."""
SOON: Final = 60.0
"""Seconds before something takes effect for somebody from which on they are left out."""
PORTION: Final = 1000
"""Records that are read at once."""
_BY_TAGS: Final = frozenset({DriftKind.TAG_MISSING, DriftKind.TAG_BACK, DriftKind.DELETED})
"""What the tags of somebody decide; and all of somebody whom a list lacks, and Kit has."""


LOOK_UPS: Final = 20
"""People who are looked up between two moments at which a walk can be left and gone on with."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far a walk has come, and whom it has found since the step before."""

    progress: Progress
    found: Sequence[FoundPerson]
    is_last: bool = False


class Walk:
    """One walk over an account.

    Args:
        ledger: Which is only read.
        client: The way to Kit, whose calls the share lets through.
        share: Of Kit's budget.
        account: Whose people.

    Attributes:
        progress: How far it has come, as of the last step; it goes on from there.
    """

    def __init__(self, ledger: Ledger, client: KitClient, share: BudgetShare, account: Account) -> None:
        self.progress = Progress()
        self._ledger = ledger
        self._client = client
        self._share = share
        self._of = KitAccountOf(account.name)
        self._options = account.options
        self._now = self.progress
        self._names: NamesAtKit | None = None
        self._tagged: Tagged | None = None
        self._told_calls = share.calls

    async def _names_now(self) -> NamesAtKit:
        """Return what the Kit account has, as of the beginning of the walk, and learn which one it is."""
        if self._names is None:
            kit_id = (await self._share.ask(lambda: kit_account(self._client))).id
            self._of = self._of._replace(kit_id=kit_id)
            self._names = await self._share.ask(lambda: names_at_kit(self._client))
        return self._names

    async def steps(self) -> AsyncGenerator[Step]:
        """Compare the people who are left, and yield one step after another.

        Raises:
            KitWorkerError: As `KitClient.call` raises it, or because the ledger could not be read; then it
                goes on from the last step where this is called again.
        """
        names, self._now, is_last = await self._names_now(), self.progress, False
        while not is_last:
            listed = await self._listed(names)
            is_last = listed.after is None
            upto = None if is_last else max(listed.people, default=self._now.last_id)
            found = list[FoundPerson]()
            at = self._now.last_id + 1, ""
            while records := await in_order_of_kit(self._ledger.database, self._of, at, upto, PORTION):
                for each in records:
                    if len(found) >= LOOK_UPS and each.kit_id > self._now.last_id:
                        yield (step := self._step(found))
                        self._done(step)
                        found = []
                    await self._compare(each, listed, names, found)
                at = records[-1].kit_id, records[-1].record.email
            if upto is not None:
                self._now = replace(self._now, after=listed.after or "", last_id=upto)
            else:
                known = await names_of(self._ledger.database, self._of.account)
                others = {**self._now.names, **dict.fromkeys(renamed(known, names), 0)}
                kinds = [AccountDrift(*other).kind_of_drift for other in others]
                self._now = replace(self._now, names=others, counts=_added(self._now.counts, kinds))
            yield (step := self._step(found, is_last=is_last))
            self._done(step)

    def _step(self, found: list[FoundPerson], *, is_last: bool = False) -> Step:
        calls = self.progress.calls + self._share.calls - self._told_calls
        self._now = replace(self._now, calls=calls)
        return Step(self._now, found, is_last=is_last)

    def _done(self, step: Step) -> None:
        """Note that a step was taken; where whoever got it could not keep it, it is taken once more."""
        self._told_calls += step.progress.calls - self.progress.calls
        self.progress = step.progress

    # -- a page ---------------------------------------------------------------------------------------

    async def _listed(self, names: NamesAtKit) -> PeoplePage:
        """Return the next page, in which each has their tags, however Kit tells them."""
        ask = self._tagged is None
        page = await self._share.ask(lambda: people_page(self._client, self._now.after, with_tags=ask))
        if ask and not page.tells_tags:
            self._tagged = await self._who_has_which(names)
        return page

    async def _who_has_which(self, names: NamesAtKit) -> Tagged:
        """Return who has the tags that this worker has ever given or taken."""
        given = {one.kit_id for one in await names_of(self._ledger.database, self._of.account)}
        people: dict[int, array[int]] = {}
        for tag in sorted(given & names.tags.keys()):
            people[tag] = array("q")
            after: str | None = ""
            while after is not None:
                ids, after = await self._share.ask(partial(tagged_page, self._client, tag, after))
                people[tag].extend(ids)
        return Tagged(people)

    def _has(self, page: PeoplePage, kit_id: int) -> SubscriberAtKit | None:
        person = page.people.get(kit_id)
        if person is None or self._tagged is None:
            return person
        return replace(person, tags=self._tagged.of(kit_id))

    # -- a person -------------------------------------------------------------------------------------

    async def _compare(
        self, each: ListedRecord, page: PeoplePage, names: NamesAtKit, found: list[FoundPerson]
    ) -> None:
        """Compare one person, and add what is otherwise to what is found."""
        now = self._now
        if lacks := list(lacking(each.record, names)):
            now = replace(now, names=_added(now.names, lacks))
        rows = differences(each.record, self._has(page, each.kit_id), names, self._options)
        if rows:
            person = await self._looked_up(each, names, {row.kind for row in rows})
            if person is None:
                now = replace(now, left_out=now.left_out + 1)
            elif person.rows:
                found.append(person)
                now = replace(now, counts=_added(now.counts, [row.kind.value for row in person.rows]))
        self._now = replace(now, last_id=each.kit_id, people=now.people + 1)

    async def _looked_up(
        self, each: ListedRecord, names: NamesAtKit, kinds: Collection[DriftKind]
    ) -> FoundPerson | None:
        """Return how somebody differs by what is so now; None where something is on its way."""
        if await self._is_busy(each):
            return None
        tags = any(kind in _BY_TAGS for kind in kinds)
        ask = partial(look_up, self._client, each.kit_id, tags=tags)
        kit = await self._share.ask(ask)
        while not self._share.is_quiet:  # an event may have come before Kit answered, and not be written yet
            kit = await self._share.ask(ask)
        now = await record_now(self._ledger.database, self._of, each.record.email)
        if now is None or now.kit_id != each.kit_id or await self._is_busy(now):
            return None
        return FoundPerson(now.record.email, tuple(differences(now.record, kit, names, self._options)))

    async def _is_busy(self, each: ListedRecord) -> bool:
        """Tell whether somebody was just written, or is about to be."""
        now = self._ledger.clock.time()
        if each.updated_at > now - LEFT_OUT or is_on_its_way(each.record):
            return True
        return await is_due(self._ledger.database, self._of.account, each.record.email, now + SOON)


def _added(counts: Mapping[K, int], more: Iterable[K]) -> Mapping[K, int]:
    return Counter(counts) + Counter(more)
