"""Makes changes true in Kit, in the fewest calls, and keeps account of what has been answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog
from msgspec.structs import replace

from worker.clock import Clock
from worker.errors import CredentialRefused, EventError, KitRejected, NoMoreSubscribers, TryLater
from worker.in_turns import in_turns
from worker.kit.addresses import AddressChanges
from worker.kit.bulk_calls import BulkCalls, Interrupted
from worker.kit.catalog import Catalog
from worker.kit.job import Job, NobodyThere, SubscriberGone
from worker.kit.lists import NEWEST
from worker.kit.persistence import Persistence
from worker.kit.plan import plan
from worker.kit.redress import Redress
from worker.kit.refused import RefusedPart, refused, still_owed
from worker.kit.single_calls import SingleCalls
from worker.subscribers.change import Change
from worker.subscribers.desired import left as left_to_do
from worker.subscribers.in_hand import InHand
from worker.subscribers.learning import begin, finish, hold_back, owe, take_for_done
from worker.subscribers.subscriber import Subscriber

K = TypeVar("K")

log = structlog.get_logger()


@dataclass(slots=True)
class BulkResult(Generic[K]):
    """What came of changes of many people that were written together.

    Attributes:
        done: Whose change is true in Kit, but for what is refused.
        refused: Of those, the parts that cannot be applied.
        alone: Who is left to single calls.
        error: Why Kit is left alone for now; then nothing is done or left, and all are to be tried again.
        failed: In whose calls that happened.
    """

    done: list[K] = field(default_factory=list)
    refused: dict[K, Sequence[RefusedPart]] = field(default_factory=dict)
    alone: list[K] = field(default_factory=list)
    error: TryLater | CredentialRefused | None = None
    failed: set[K] = field(default_factory=set)


class Writer:
    """Applies changes to one Kit account.

    Args:
        catalog: The account's tags and custom fields, its options, and the way to Kit.
        in_hand: What is known of the subscribers; every answer is noted there.
        clock: Says when Kit answered.
        persistence: How much of what is known is in the ledger.
        known_ttl: Seconds for which Kit's answers are relied on, so that what it has is not sent again.
        bulk: Whether the account's credential may use Kit's bulk endpoints.

    Attributes:
        bulk: See above.
    """

    def __init__(  # its collaborators, all named
        self,
        catalog: Catalog,
        in_hand: InHand,
        clock: Clock,
        persistence: Persistence,
        *,
        known_ttl: float,
        bulk: bool,
    ) -> None:
        self.bulk = bulk
        self._catalog = catalog
        self._in_hand = in_hand
        self._clock = clock
        self._persistence = catalog.persistence = persistence
        self._known_ttl = known_ttl
        self._single = SingleCalls(catalog, in_hand, clock)
        self._bulk = BulkCalls(catalog, in_hand, clock, self._single)
        self._addresses = AddressChanges(catalog, in_hand, self._single, persistence)
        self._redress = Redress(catalog, in_hand, clock)

    # -- one person -----------------------------------------------------------------------------------

    async def apply(
        self, subscriber: Subscriber, change: Change, since: float = NEWEST
    ) -> Sequence[RefusedPart]:
        """Make a change true, and return the parts of it that cannot be applied.

        Returning means that every call for all other parts was answered 2xx. Whatever is raised, the record
        holds what was done, so that a later try goes on from there.

        Args:
            subscriber: Whose it is.
            change: What is asked.
            since: When the newest of the events came that ask for it, by `Clock.monotonic`.

        Raises:
            NobodyThere: Kit has nobody of that address, and the change creates nobody. All of it is owed
                then: it is done once somebody is there, so that the order of events does not matter.
            KitRejected: Kit does not take the subscriber.
            KitWorkerError: As `KitClient.call` raises it.
        """
        try:
            return await self._apply_twice(subscriber, change, since)
        except NobodyThere:
            owe(subscriber.record, change)
            self._in_hand.touch(subscriber)
            raise

    async def _apply_twice(
        self, subscriber: Subscriber, change: Change, since: float
    ) -> Sequence[RefusedPart]:
        try:
            return await self._apply_once(subscriber, change, since)
        except SubscriberGone:
            # With the subscriber went all that was ever done for it, so everything is done again, once.
            self._in_hand.lost(subscriber)
        try:
            return await self._apply_once(subscriber, change, since)
        except SubscriberGone:
            self._in_hand.lost(subscriber)
            if change.creates is None:  # the list that it was found by is late
                raise NobodyThere from None
            raise KitRejected("Kit says that the subscriber it has just made is not there") from None

    async def _apply_once(
        self, subscriber: Subscriber, change: Change, since: float
    ) -> Sequence[RefusedPart]:
        await self._have_written([subscriber])
        if change.remedies:
            change = await self._redress.looked_at(subscriber, change)
            if not (change or subscriber.record.moving or subscriber.behind):
                return ()
        not_moved = await self._move(subscriber, change)
        job = self._job(subscriber, change, await self._left_of(subscriber, change))
        job.since = since
        for step in job.steps:
            await self._single.carry_out(job, step)
        await self._addresses.leave_nothing_behind(subscriber, change)
        self._finish(job)
        return [*not_moved, *job.refused]

    async def _move(self, subscriber: Subscriber, change: Change) -> Sequence[RefusedPart]:
        """Give the subscriber the address that is asked for; all else is done also where Kit refuses it."""
        if change.address is None or not subscriber.moves_by(change):
            if subscriber.record.moving:
                await self._addresses.stay(subscriber, change)
            return ()
        try:
            await self._addresses.move(subscriber, change.address, change)
            await self._have_written([subscriber])  # it may be another one of Kit's now
        except NoMoreSubscribers:
            raise
        except EventError as error:
            return refused(Change(address=change.address), error)
        return ()

    async def _have_written(self, subscribers: Iterable[Subscriber]) -> None:
        """Have the ledger know who somebody is before anything is done for them in Kit.

        RabbitMQ gives events back in any order: after a worker was killed, another event of the person, or
        of somebody else with that id, may come first, and nobody would look for what was done here.
        """
        if not all(subscriber.is_written for subscriber in subscribers):
            await self._persistence.written()

    def _finish(self, job: Job) -> None:
        self._in_hand.touch(job.subscriber)
        record, held = job.subscriber.record, job.subscriber.record.held
        owed = still_owed(record.owed, job.change, job.refused)
        finish(record, job.change)
        record.owed = owed
        if job.held:
            hold_back(record, job.held, held)
        if owed:
            problem = "; ".join(f"{part.what}: {part.error}" for part in job.refused)
            log.warning("owed_refused", account=self._catalog.client.account, problem=problem)

    def _job(self, subscriber: Subscriber, change: Change, left: Change) -> Job:
        known = subscriber.record.kit_id is not None
        return Job(subscriber, change, plan(left, self._catalog.options, known=known))

    async def _left_of(self, subscriber: Subscriber, change: Change) -> Change:
        """Return what of a change, its address apart, is to be done: not what Kit said lately that it has."""
        record, catalog = subscriber.record, self._catalog
        begin(record, change)
        left = replace(left_to_do(record, change), address=None)
        left = take_for_done(record, left, change, self._clock.time())
        oldest = max(self._clock.time() - self._known_ttl, self._persistence.known_since)
        if not left.tells_kit or not record.has_answers_since(oldest):
            return left
        await catalog.listed()
        known = record.known(left, lambda at: at > oldest, catalog.tag_id, catalog.field_id)
        record.confirm(known)
        return left.without(known)

    # -- many people ----------------------------------------------------------------------------------

    async def apply_together(
        self, changes: Sequence[tuple[Subscriber, Change]], *, one_at_a_time: bool = False
    ) -> BulkResult[Subscriber]:
        """Make changes of many people true, as far as that can be done together.

        Whatever comes of each, the records hold what was done, so that a later try goes on from there.

        Args:
            changes: Whose, and what; each person once.
            one_at_a_time: Whether one call is to end well before the next begins, to find out if Kit works.
        """
        if not self.bulk:
            return BulkResult(alone=[subscriber for subscriber, _ in changes])
        try:
            jobs = [await self._share(*each) async for each in in_turns(changes)]
            together = [job for job in jobs if not job.alone]
            await self._have_written(job.subscriber for job in together)
            await self._bulk.carry_out(together, one_at_a_time=one_at_a_time)
        except Interrupted as interrupted:
            return BulkResult(error=interrupted.error, failed=interrupted.failed)
        except (TryLater, CredentialRefused) as error:
            return BulkResult(error=error)  # of the catalog: it is nobody's call
        done = [job for job in jobs if not job.alone]
        async for job in in_turns(done):
            self._finish(job)
        return BulkResult(
            done=[job.subscriber for job in done],
            refused={job.subscriber: job.refused for job in done if job.refused},
            alone=[job.subscriber for job in jobs if job.alone],
        )

    async def _share(self, subscriber: Subscriber, change: Change) -> Job:
        """Return what is to be done for one of many; whose change is not for bulk calls is left alone."""
        record = subscriber.record
        moves = record.moving or subscriber.behind or subscriber.moves_by(change)
        if moves or change.remedies or (record.kit_id is None and change.creates is None):
            return Job(subscriber, change, (), alone=True)
        left = await self._left_of(subscriber, change)
        job = self._job(subscriber, change, left)
        # Whether somebody was created, the answer of a bulk call does not say. It creates whom it names.
        new = record.kit_id is None or record.created
        names = left.first_name is not None and change.creates is None
        job.alone = names or (new and self._catalog.options.first_name == "if_created")
        return job
